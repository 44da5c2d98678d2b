internal import Config
@testable internal import ControlPlane
internal import Glibc
internal import Net
internal import Routing
internal import Synchronization
internal import TestSupport
internal import Testing

/// Probes against upstreams that behave and that do not, on a loop that the test turns by hand.
@Suite struct ProbeTests {
    private func check(_ edit: (inout HealthConfiguration) -> Void = { _ in }) -> HealthConfiguration {
        var check = HealthConfiguration()
        check.path = "/healthz"
        check.timeout = .seconds(5)
        edit(&check)
        return check
    }

    private func ask(_ place: Place, _ check: HealthConfiguration, wire: TargetWire = .plain) throws -> ProbeResult? {
        let order = ProbeOrder(try place.identity(), wire, check)
        let loop = try EventLoop()
        let prober = Prober(loop: loop, limit: 1)
        var results: [ProbeResult] = []
        prober.run(Probe(order) { results.append($0) })
        let deadline = Deadline(in: .seconds(20))
        while results.isEmpty && !deadline.hasPassed { loop.turn(upTo: .milliseconds(10)) }
        // Whatever comes after the answer: it is not told twice.
        for _ in 0..<5 { loop.turn(upTo: .milliseconds(1)) }
        #expect(results.count == 1)
        loop.forEachHandler { ($0 as? Probe)?.cancel() }
        loop.turn(upTo: .zero)
        return results.first
    }

    @Test(
        "an answer passes by its status alone",
        arguments: [
            (200, "200-299", .passed, "200"), (204, "200-299", .passed, "204"), (500, "200-299", .failed, "status 500"),
            (302, "200,302", .passed, "302"), (301, "200,302", .failed, "status 301"),
        ] as [(Int, String, ProbeResult.Verdict, String)])
    func statuses(status: Int, expect: String, verdict: ProbeResult.Verdict, reason: String) throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.replying("HTTP/1.1 \(status) Any\r\nContent-Length: 0\r\n\r\n"))
        let result = try ask(origin.place, check { $0.expect = expect == "200,302" ? [200...200, 302...302] : [200...299] })
        #expect(result?.verdict == verdict)
        #expect(result?.reason == reason)
    }

    @Test("the request names the path, the target and us, and asks to close")
    func request() throws {
        let folder = try TemporaryFolder()
        for place in [Place.v4(0), .v6(0), .unix(folder["up.sock"])] {
            let origin = try ScriptedUpstream(at: place)
            #expect(try ask(origin.place, check())?.verdict == .passed)
            let head = origin.requests.first?.head
            #expect(head?.startLine == "GET /healthz HTTP/1.1")
            if case .unix = place { #expect(head?["host"] == "localhost") } else { #expect(head?["host"] == origin.place.description) }
            #expect(head?["user-agent"] == "sluice-health")
            #expect(head?["connection"] == "close")
            #expect(try ask(origin.place, check { $0.host = "shop.example.com" })?.verdict == .passed)
            #expect(origin.requests.last?.head["host"] == "shop.example.com")
        }
    }

    @Test(
        "answers that break off, break the rules or never come fail with the reason",
        arguments: [
            ("HTTP/1.1 200 OK\r\nA: b", "closed within the answer"), ("", "closed without an answer"), ("+PONG\r\n", "no HTTP/1 answer"),
            ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 70_000), "head over 64 KiB"),
        ])
    func broken(answer: String, reason: String) throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.once { try $0.send(answer) })
        let result = try ask(origin.place, check())
        #expect(result?.verdict == .failed)
        #expect(result?.reason == reason)
    }

    @Test("a reset is a failure")
    func reset() throws {
        let origin = try ScriptedUpstream(
            ScriptedUpstream.once {
                try $0.send("HTTP/1.1 2")
                $0.reset()
            })
        #expect(try ask(origin.place, check())?.reason == "reset within the answer")
    }

    @Test("who hangs, or drips, has until the timeout")
    func slow() throws {
        let hanging = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let (result, span) = try timed { try ask(hanging.place, check { $0.timeout = .milliseconds(200) }) }
        #expect(result?.reason == "timeout")
        #expect(result.map { $0.duration >= .milliseconds(200) } == true)
        #expect(span < .seconds(5))
        #expect(eventually { hanging.abandoned == 1 }, "and is let go of")

        let dripping = try ScriptedUpstream(
            ScriptedUpstream.once { peer in
                while true {
                    for byte in "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n".utf8 {
                        try peer.send(bytes: [byte])
                        _ = throughout(.milliseconds(5)) { true }
                    }
                }
            })
        #expect(try ask(dripping.place, check { $0.timeout = .milliseconds(300) })?.reason == "timeout within the answer")
    }

    @Test("connects that are refused, ignored or impossible say which")
    func connects() throws {
        let (refusing, silent) = (try RefusingPort(), try SilentPort())
        for kind in [HealthConfiguration.Check.http, .tcp] {
            #expect(try ask(refusing.place, check { $0.check = kind })?.reason == "connect refused")
            let ignored = try ask(
                silent.place,
                check {
                    $0.check = kind
                    $0.timeout = .milliseconds(200)
                })
            #expect(ignored?.reason == "connect timeout")
            #expect(try ask(.unix("/nowhere/at.all"), check { $0.check = kind })?.reason == "connect: no such socket")
        }
        #expect(ProbeResult.verdict(ofConnect: EMFILE).0 == .none, "our own want says nothing about the target")
        #expect(ProbeResult.verdict(ofConnect: EADDRNOTAVAIL).0 == .none)
        #expect(ProbeResult.verdict(ofConnect: EHOSTUNREACH).0 == .failed)
    }

    @Test("a tcp check asks for a connection and nothing else")
    func tcp() throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.once { _ in })
        let result = try ask(origin.place, check { $0.check = .tcp })
        #expect(result?.verdict == .passed)
        #expect(result?.reason == "connected")
        #expect(eventually { origin.connections == 1 && origin.openConnections == 0 })
        #expect(origin.requests.isEmpty)
    }

    @Test(
        "a target that wants a PROXY header gets one of our own, whatever the question", arguments: [HealthConfiguration.Check.http, .tcp])
    func proxyHeader(kind: HealthConfiguration.Check) throws {
        let lines = Lines()
        let origin = try ScriptedUpstream { peer in
            lines.add(try peer.readLine())
            if kind == .http { try ScriptedUpstream.answering("ok")(peer) }
        }
        var wire = TargetWire()
        wire.proxyHeader = .v1
        #expect(try ask(origin.place, check { $0.check = kind }, wire: wire)?.verdict == .passed)
        #expect(eventually { lines.value.count == 1 })
        let words = try #require(lines.value.first).split(separator: " ", omittingEmptySubsequences: false)
        #expect(words.count == 6 && words.prefix(4) == ["PROXY", "TCP4", "127.0.0.1", "127.0.0.1"])
        #expect(words.last.map { String($0) } == origin.place.port.map { String($0) })
        #expect(words.dropLast().last != words.last)

        let blocks = Lines()
        let second = try ScriptedUpstream { peer in
            blocks.add(try peer.read(16).map { String($0, radix: 16) }.joined(separator: " "))
            if kind == .http { try ScriptedUpstream.answering("ok")(peer) }
        }
        wire.proxyHeader = .v2
        #expect(try ask(second.place, check { $0.check = kind }, wire: wire)?.verdict == .passed)
        #expect(eventually { blocks.value == ["d a d a 0 d a 51 55 49 54 a 20 0 0 0"] })
    }

    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var value: [String] { all.withLock(\.self) }
    }

    @Test("an answer is read to its end, and an endless one is cut")
    func bodies() throws {
        let origin = try ScriptedUpstream(
            ScriptedUpstream.once { peer in
                try peer.send("HTTP/1.1 200 OK\r\n\r\n")
                let block = [UInt8](repeating: 120, count: 64 * 1024)
                while true { try peer.send(bytes: block) }
            })
        #expect(try ask(origin.place, check())?.verdict == .passed)
        #expect(eventually { origin.openConnections == 0 })
    }

    @Test("who does not close when asked to holds no place for long")
    func keepsOpen() throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.answering("ok"))
        let loop = try EventLoop()
        let prober = Prober(loop: loop, limit: 1)
        let order = ProbeOrder(try origin.place.identity(), .plain, check { $0.timeout = .seconds(60) })
        var count = 0
        for _ in 0..<3 { prober.run(Probe(order) { _ in count += 1 }) }
        let deadline = Deadline(in: .seconds(20))
        while (count < 3 || origin.openConnections > 0) && !deadline.hasPassed { loop.turn(upTo: .milliseconds(10)) }
        #expect(count == 3)
        #expect(origin.openConnections == 0)
    }

    @Test("probes beyond the limit wait for a place, and their time begins with it")
    func limit() throws {
        let origin = try ScriptedUpstream(
            ScriptedUpstream.once { peer in
                _ = throughout(.milliseconds(50)) { true }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            })
        let loop = try EventLoop()
        let prober = Prober(loop: loop, limit: 3)
        let order = ProbeOrder(try origin.place.identity(), .plain, check { $0.timeout = .seconds(2) })
        var reasons: [String] = []
        let probes = (0..<30).map { _ in Probe(order) { reasons.append($0.reason) } }
        for probe in probes { prober.run(probe) }
        for probe in probes[20...] { probe.cancel() }
        let deadline = Deadline(in: .seconds(20))
        while reasons.count < 20 && !deadline.hasPassed {
            loop.turn(upTo: .milliseconds(10))
            #expect(origin.openConnections <= 4)
        }
        #expect(reasons == Array(repeating: "200", count: 20))
        #expect(origin.connections == 20, "what was cancelled in the queue never began")
    }

    @Test("a crowd that fails at once is worked off without depth")
    func depth() throws {
        let loop = try EventLoop()
        let prober = Prober(loop: loop, limit: 1)
        let order = ProbeOrder(try Place.unix("/nowhere/at.all").identity(), .plain, check())
        var count = 0
        // The first is refused by the kernel at once, and so are all that wait behind it.
        for _ in 0..<20_000 { prober.run(Probe(order) { _ in count += 1 }) }
        #expect(count == 20_000)
    }
}

extension Place {
    func identity(_ pool: String = "blue") throws -> TargetIdentity {
        let address: SocketAddress? =
            switch self {
            case .v4(let port): SocketAddress(literal: "127.0.0.1", port: port)
            case .v6(let port): SocketAddress(literal: "::1", port: port)
            case .unix(let path): .unix(path: path)
            }
        return TargetIdentity(service: "shop", pool: pool, text: description, address: try #require(address))
    }
}

/// How long `work` took.
func timed<Result>(_ work: () throws -> Result) rethrows -> (Result, Duration) {
    let start = ContinuousClock.now
    let result = try work()
    return (result, start.duration(to: .now))
}
