import Synchronization
import TestSupport
import Testing

/// The PROXY protocol to targets.
@Suite struct ProxyHeaderOutTests {
    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        func add(_ line: String) { all.withLock { $0.append(line) } }
        var value: [String] { all.withLock(\.self) }
    }

    /// A target that takes a header of so many bytes (nil = a line) off each connection and then answers.
    private func origin(_ headers: Lines, bytes: Int? = nil, then script: @escaping ScriptedUpstream.Script) throws -> ScriptedUpstream {
        try ScriptedUpstream { peer in
            headers.add(try bytes.map { latin1(try peer.read($0)) } ?? peer.readLine())
            try script(peer)
        }
    }

    @Test("every connection begins with its client's address and ours, and serves that one request")
    func v1() throws {
        let headers = Lines()
        let origin = try origin(headers, then: ScriptedUpstream.answering("ok"))
        try staged(introducing(to: [origin.place], pool: ", proxy_protocol: v1")) { sluice in
            let place = try sluice.place("plain")
            let client = try RawClient(place)
            for path in ["/one", "/two", "/three"] { #expect(try client.get(path).text == "ok") }
            #expect(try client.post("/four", String(repeating: "x", count: 300_000)).text == "ok")
            let words = headers.value.map { $0.split(separator: " ").map(String.init) }
            #expect(words.count == 4 && Set(words).count == 1, "\(headers.value)")
            #expect(words.first?.prefix(4) == ["PROXY", "TCP4", "127.0.0.1", "127.0.0.1"])
            #expect(words.first?.last == place.port.map { String($0) } && words.first?.dropLast().last != words.first?.last)
            #expect(origin.connections == 4)
            #expect(try sluice.idleUpstreamConnections() == 0)
            #expect(eventually { origin.openConnections == 0 })
        }
    }

    @Test("what a balancer said of the client goes on as it came", arguments: ["v1", "v2"])
    func chain(version: String) throws {
        let headers = Lines()
        let origin = try origin(headers, bytes: version == "v1" ? nil : 28, then: ScriptedUpstream.echoingHeads)
        try staged(introducing(to: [origin.place], pool: ", proxy_protocol: \(version)")) { sluice in
            let answer = try sluice.say(Introduction.v1 + request())
            #expect(answer.text.contains("X-Forwarded-For: 203.0.113.7"))
            // Without the TLV: it was the balancer's.
            let v2 = latin1(TestSupport.bytes(Introduction.v2).prefix(28)).replacing("\0\u{10}", with: "\0\u{0C}")
            #expect(headers.value == [version == "v1" ? String(Introduction.v1.dropLast(1)) : v2])
        }
    }

    @Test("a client on a Unix socket has no address to tell")
    func unix() throws {
        let folder = try TemporaryFolder()
        for (version, bytes, header) in [("v1", nil, "PROXY UNKNOWN"), ("v2", 16, Introduction.local)] as [(String, Int?, String)] {
            let headers = Lines()
            let origin = try origin(headers, bytes: bytes, then: ScriptedUpstream.answering("ok"))
            let yaml = """
                listeners: [{ name: web, bind: ["unix:\(folder["\(version).sock"])"] }]
                services: { shop: { pools: { only: { targets: ["\(origin.place)"], proxy_protocol: \(version) } } } }
                """
            try staged(yaml) { sluice in
                let client = try RawClient(.unix(folder["\(version).sock"]))
                #expect(try client.get().text == "ok")
                #expect(headers.value == [header])
            }
        }
    }

    @Test("a target that does not want the header and resets is a target that broke")
    func deadTarget() throws {
        let origin = try ScriptedUpstream { $0.reset() }
        try staged(introducing(to: [origin.place], pool: ", proxy_protocol: v2")) { sluice in
            let answer = try sluice.say(request(), to: "plain")
            #expect(answer.status == 502)
            #expect(try eventually { try sluice.counters() == Counters() })
        }
    }
}
