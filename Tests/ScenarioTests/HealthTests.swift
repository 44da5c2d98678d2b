import Synchronization
import TestSupport
import Testing

/// Active checks, seen from outside: who gets requests, and what status says of it.
@Suite struct HealthTests {
    /// An upstream whose health can be told; everything but `/healthz` answers with its name.
    private final class Origin: Sendable {
        private struct Content {
            var status = 200
            var isHeld = false
        }
        private let content = Mutex(Content())
        let upstream: ScriptedUpstream

        init(_ name: String, held: Bool = false) throws {
            let box = Box()
            upstream = try ScriptedUpstream { peer in
                peer.patience = .seconds(60)
                while true {
                    let head = try peer.wholeRequest()
                    guard head.target == "/healthz" else {
                        try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
                        continue
                    }
                    guard let origin = box.origin else { return }
                    _ = eventually(within: .seconds(30)) { !origin.isHeld }
                    try peer.send("HTTP/1.1 \(origin.status) Any\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                }
            }
            hold(held)
            box.set(self)
        }

        private final class Box: Sendable {
            private struct Weak { weak var origin: Origin? }
            private let held = Mutex(Weak())
            var origin: Origin? { held.withLock { $0.origin } }
            func set(_ origin: Origin) { held.withLock { $0.origin = origin } }
        }

        var status: Int { content.withLock { $0.status } }
        private var isHeld: Bool { content.withLock { $0.isHeld } }
        func answer(_ status: Int) { content.withLock { $0.status = status } }
        func hold(_ isHeld: Bool) { content.withLock { $0.isHeld = isHeld } }
        var place: Place { upstream.place }
        /// Requests but for the checks.
        var served: Int { upstream.requests.filter { $0.head.target != "/healthz" }.count }
    }

    private func yaml(
        _ places: [Place], check: String = "path: /healthz, interval: 100ms, timeout: 100ms", service: String = ""
    ) -> String {
        SluiceProcess.forwarding(to: places, service: "health: { \(check) }\n    \(service)")
    }

    private func targets(_ sluice: SluiceProcess) throws -> [JSON] { try sluice.status()["services"][0]["pools"][0]["targets"].items }

    private func states(_ sluice: SluiceProcess) throws -> [String] {
        try targets(sluice).map { $0["health"]["state"].string ?? "unchecked" }
    }

    private func answers(_ count: Int, _ sluice: SluiceProcess) throws -> [String: Int] {
        let client = try sluice.client()
        var tally: [String: Int] = [:]
        for _ in 0..<count {
            let answer = try client.get()
            tally[answer.status == 200 ? answer.text : "\(answer.status)", default: 0] += 1
        }
        return tally
    }

    @Test("a target that turns bad is left out after its failures and comes back after its passes")
    func turnsBad() throws {
        let (a, b) = (try Origin("a"), try Origin("b"))
        for balance in ["round-robin", "least-connections"] {
            try staged(yaml([a.place, b.place], service: "balance: \(balance)")) { sluice in
                #expect(try states(sluice) == ["healthy", "healthy"])
                #expect(try answers(20, sluice) == ["a": 10, "b": 10])
                a.answer(500)
                #expect(try eventually { try states(sluice) == ["unhealthy", "healthy"] })
                let before = a.served
                #expect(try answers(20, sluice) == ["b": 20])
                #expect(a.served == before)
                let health = try targets(sluice)[0]["health"]
                #expect((3...5).contains(health["checks"].items.count))
                #expect(health["checks"].items.suffix(3).map { $0["reason"].string } == Array(repeating: "status 500", count: 3))
                let table = try sluice.cli("status").output
                #expect(table.contains("HEALTH") && table.contains("unhealthy: status 500"), "\(table)")
                #expect(sluice.errors.contains("target unhealthy service=shop pool=only target=\(a.place)"), "\(sluice.errors)")
                a.answer(200)
                #expect(try eventually { try states(sluice) == ["healthy", "healthy"] })
                #expect(try answers(20, sluice) == ["a": 10, "b": 10])
            }
        }
    }

    @Test("without a healthy target the answer is 503 with Retry-After, and the first pass ends it")
    func noneHealthy() throws {
        let a = try Origin("a")
        a.answer(503)
        try staged(yaml([a.place])) { sluice in
            let answer = try sluice.client().get()
            #expect(answer.status == 503 && answer["retry-after"] != nil)
            #expect(a.served == 0)
            a.answer(200)
            #expect(try eventually { try sluice.client().get().status == 200 })
        }
    }

    @Test("a start waits for the first checks: the first request finds its target")
    func start() throws {
        let a = try ScriptedUpstream { peer in
            peer.patience = .seconds(60)
            while true {
                if try peer.wholeRequest().target == "/healthz" { _ = throughout(.milliseconds(300)) { true } }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let dead = try RefusingPort()
        let text = yaml([a.place, dead.place], check: "path: /healthz, interval: 2s, timeout: 2s")
        try staged(text) { sluice in
            let tally = try answers(10, sluice)
            #expect(tally == ["ok": 10])
            #expect(try states(sluice) == ["healthy", "unhealthy"])
        }
    }

    @Test("a stopped process is left out, and comes back when it goes on")
    func stopped() throws {
        let (nginx, b) = (try NginxUpstream(), try Origin("b"))
        let text = yaml([nginx.place, b.place], check: "path: /hello.txt, expect: \"200\", interval: 100ms, timeout: 100ms")
        try staged(text) { sluice in
            let before = try states(sluice)
            #expect(before == ["healthy", "healthy"])
            nginx.child.signal(19)
            #expect(try eventually { try states(sluice) == ["unhealthy", "healthy"] })
            #expect(try targets(sluice)[0]["health"]["checks"].items.last?["reason"].string == "timeout")
            #expect(try answers(10, sluice) == ["b": 10])
            nginx.child.signal(18)
            #expect(try eventually { try states(sluice) == ["healthy", "healthy"] })
        }
    }

    @Test("a reload keeps verdicts: nothing flaps, and a bad target gets nothing in between")
    func reload() throws {
        let (a, b) = (try Origin("a"), try Origin("b"))
        a.answer(500)
        try staged(yaml([a.place, b.place])) { sluice in
            #expect(try states(sluice) == ["unhealthy", "healthy"])
            let since = try targets(sluice).map { $0["health"]["since"] }
            for check in [
                "path: /healthz, interval: 100ms, timeout: 100ms, fall: 9", "path: /healthz, interval: 150ms, timeout: 100ms",
                "protocol: http, path: /healthz, expect: \"200\", interval: 150ms, timeout: 100ms",
            ] {
                #expect(try sluice.reload(yaml([a.place, b.place], check: check)).exit == .code(0))
                #expect(try states(sluice) == ["unhealthy", "healthy"])
                #expect(try answers(10, sluice) == ["b": 10])
            }
            #expect(try targets(sluice).map { $0["health"]["since"] } == since)
            #expect(try sluice.reload(SluiceProcess.forwarding(to: [a.place, b.place])).exit == .code(0))
            #expect(try states(sluice) == ["unchecked", "unchecked"])
            #expect(try answers(10, sluice) == ["a": 5, "b": 5])
            #expect(try sluice.reload(yaml([a.place, b.place])).exit == .code(0))
            #expect(try eventually { try states(sluice) == ["unhealthy", "healthy"] })
        }
    }

    @Test("a target that a reload brings gets no request before its first pass")
    func newTarget() throws {
        let (a, b) = (try Origin("a"), try Origin("b", held: true))
        let check = "path: /healthz, interval: 10s, timeout: 10s"
        try staged(yaml([a.place], check: check)) { sluice in
            let (reload, span) = try timed { try sluice.reload(yaml([a.place, b.place], check: check)) }
            #expect(reload.exit == .code(0))
            #expect(span < .seconds(4), "a pool that has a healthy target does not wait")
            #expect(try states(sluice) == ["healthy", "unknown"])
            #expect(try answers(50, sluice) == ["a": 50])
            #expect(b.served == 0)
            b.hold(false)
            #expect(try eventually { try states(sluice) == ["healthy", "healthy"] })
            #expect(try answers(20, sluice) == ["a": 10, "b": 10])
        }
    }

    @Test("a reload that replaces every target leaves no gap")
    func replaced() throws {
        let (a, b) = (try Origin("a"), try Origin("b"))
        try staged(yaml([a.place]), workers: 4) { sluice in
            let clients = try (0..<4).map { _ in try sluice.client() }
            for round in 0..<6 {
                let (place, name) = round % 2 == 0 ? (b.place, "b") : (a.place, "a")
                #expect(try sluice.reload(yaml([place])).exit == .code(0))
                for client in clients { #expect(try client.get().text == name) }
            }
        }
    }

    @Test("a hundred checked targets are healthy at once, all served, and cost few descriptors")
    func hundred() throws {
        let origins = try (0..<100).map { try ScriptedUpstream(ScriptedUpstream.answering("\($0)")) }
        let text = yaml(origins.map(\.place), check: "path: /healthz, interval: 1s, timeout: 1s")
        try staged(text) { sluice in
            #expect(try states(sluice) == Array(repeating: "healthy", count: 100))
            let tally = try answers(300, sluice)
            #expect(tally.count == 100 && tally.values.allSatisfy { $0 == 3 }, "\(tally)")
            #expect(eventually { origins.allSatisfy { $0.requests.filter { $0.head.target == "/healthz" }.count >= 2 } })
            let (answer, span) = try timed { try sluice.client().get() }
            #expect(answer.status == 200 && span < .seconds(1))
            // Kept upstream connections, a checking one for each target at most.
            #expect(sluice.descriptors < 300, "\(sluice.descriptors)")
            #expect(try states(sluice) == Array(repeating: "healthy", count: 100))
        }
    }

    @Test("our own want of descriptors says nothing about a target: it stays healthy, and the operator is told")
    func noDescriptors() throws {
        let a = try Origin("a")
        let sluice = try SluiceProcess(yaml([a.place]), workers: 1, wrapper: ["prlimit", "--nofile=64", "--"])
        defer { expectAlive(sluice) }
        let place = try sluice.place()
        let inside = try RawClient(place)
        #expect(try inside.get().text == "a")
        let crowd = try (0..<100).map { _ in try RawClient(place) }
        #expect(eventually { sluice.errors.contains("health checks cannot be made") })
        let checks = a.upstream.requests.count
        #expect(throughout(.seconds(1)) { !sluice.errors.contains("target unhealthy") })
        #expect(try inside.get().text == "a")
        for client in crowd { client.close() }
        #expect(eventually { a.upstream.requests.count > checks + 3 }, "checks go on when there are descriptors again")
        #expect(!sluice.errors.contains("target unhealthy"), "\(sluice.errors)")
    }
}
