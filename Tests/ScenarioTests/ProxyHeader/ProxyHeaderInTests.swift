import TestSupport
import Testing

/// The PROXY protocol from clients.
@Suite struct ProxyHeaderInTests {
    private func scene(
        top: String = "", service: String = "", _ scene: (SluiceProcess, ScriptedUpstream) throws -> Void
    ) throws {
        let origin = try ScriptedUpstream()
        try staged(introducing(to: [origin.place], top: top, service: service)) { sluice in
            try scene(sluice, origin)
            #expect(try eventually { try sluice.counters() == Counters() }, "somebody is still counted")
        }
    }

    @Test(
        "the client is who the header says, for every request of the connection",
        arguments: [
            (Introduction.v1, "203.0.113.7", "203.0.113.7"), (Introduction.v2, "203.0.113.7", "203.0.113.7"),
            (Introduction.v1Wide, "2001:db8::7", "\"[2001:db8::7]\""),
        ])
    func source(header: String, client: String, node: String) throws {
        try scene { sluice, origin in
            let balancer = try sluice.client()
            #expect(try balancer.ask(header + request("GET", "/one", "X-Forwarded-For: 9.9.9.9")).text == "ok")
            #expect(try balancer.get("/two").text == "ok")
            balancer.close()
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == [client, client])
            #expect(origin.requests.allSatisfy { $0.head["forwarded"]?.hasPrefix("for=\(node);") == true })
            #expect(eventually { sluice.logLines().count == 2 })
            #expect(sluice.logLines().map { $0["client"].string } == [client, client])
        }
    }

    @Test("a header may come byte by byte, and alone", arguments: [Introduction.v1, Introduction.v2])
    func dribble(header: String) throws {
        try scene { sluice, origin in
            let balancer = try sluice.client()
            try balancer.dribble(header)
            #expect(try throughout(.milliseconds(50)) { try sluice.counters() == Counters(clients: 1) })
            #expect(try balancer.get().text == "ok")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["203.0.113.7"])
            balancer.close()
        }
    }

    @Test("a connection that speaks for itself keeps the peer's address", arguments: ["PROXY UNKNOWN\r\n", Introduction.local])
    func ownAddress(header: String) throws {
        try scene { sluice, origin in
            let answer = try sluice.say(header + request()).text
            #expect(answer == "ok")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["127.0.0.1"])
        }
    }

    @Test(
        "without a valid header the connection is closed without a word, and the operator hears of it once a second",
        arguments: [
            request(), "PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\n" + request(), Introduction.v2.replacing("!", with: "1"),
            "PROXY TCP4 203.0.113.7 198.51.100.1 1 2", "\u{16}\u{03}\u{01}\u{02}\u{00}\u{01}",
        ])
    func refused(bytes: String) throws {
        try scene { sluice, origin in
            for _ in 0..<20 {
                let client = try sluice.client()
                try client.send(bytes)
                client.shutdownWrite()
                #expect(client.isEnded)
            }
            #expect(origin.connections == 0)
            #expect(try sluice.refusedHeaders() == 20)
            let lines = sluice.errors.split(separator: "\n").filter { $0.contains("no valid PROXY header from 127.0.0.1") }
            #expect(!lines.isEmpty && lines.count < 10, "\(sluice.errors)")
            #expect(try sluice.admin("GET", "/metrics").text.contains("sluice_proxy_headers_refused_total{loop=\"0\"}"))
        }
    }

    @Test("who says nothing has until the deadline of a request's head; who goes without a word is no case")
    func silence() throws {
        try scene(top: "defaults: { timeouts: { request_header: 300ms } }") { sluice, _ in
            try sluice.client().close()
            #expect(try eventually { try sluice.counters() == Counters() })
            #expect(try sluice.refusedHeaders() == 0)
            let (silent, half) = (try sluice.client(), try sluice.client())
            try half.send("PROXY TCP4 203.0")
            let (areEnded, span) = timed { silent.isEnded && half.isEnded }
            #expect(areEnded)
            #expect(span >= .milliseconds(200) && span < .seconds(5))
            #expect(try sluice.refusedHeaders() == 2)
            #expect(sluice.errors.contains("it did not come in time"))
        }
    }

    @Test("a peer that is not trusted speaks HTTP, and its header is a bad request")
    func untrusted() throws {
        try scene(top: "trusted_proxies: [192.0.2.0/24]") { sluice, origin in
            let answer = try sluice.say(request()).text
            #expect(answer == "ok")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["127.0.0.1"])
            for header in [Introduction.v1, Introduction.v2] {
                #expect(try sluice.say(header + request()).status == 400)
            }
            #expect(try sluice.refusedHeaders() == 0)
        }
    }

    @Test("what the client says of hops before it is believed if the header's source is trusted, not if the balancer is")
    func hops() throws {
        let hop = request("GET", "/", "X-Forwarded-For: 9.9.9.9")
        try scene(top: "trusted_proxies: [127.0.0.0/8]") { sluice, origin in
            let answer = try sluice.say(Introduction.v1 + hop).text
            #expect(answer == "ok")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["203.0.113.7"])
        }
        try scene(top: "trusted_proxies: [127.0.0.0/8, 203.0.113.0/24]") { sluice, origin in
            let answer = try sluice.say(Introduction.v1 + hop).text
            #expect(answer == "ok")
            #expect(origin.requests.map { $0.head["x-forwarded-for"] } == ["9.9.9.9, 203.0.113.7"])
        }
    }

    @Test("a listener without the word takes no header")
    func plainListener() throws {
        try scene { sluice, _ in
            let answer = try sluice.say(request(), to: "plain").text
            #expect(answer == "ok")
            #expect(try sluice.say(Introduction.v1 + request(), to: "plain").status == 400)
        }
    }

    @Test("rules and sticky keys go by the header's source")
    func steering() throws {
        let (blue, green) = (
            try ScriptedUpstream(ScriptedUpstream.answering("blue")), try ScriptedUpstream(ScriptedUpstream.answering("green"))
        )
        func yaml(_ service: String) -> String {
            """
            listeners: [{ name: web, bind: ["127.0.0.1:0"], proxy_protocol: true }]
            services:
              shop:
                pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
                \(service)
            """
        }
        func answer(_ sluice: SluiceProcess, from host: String) throws -> String {
            try sluice.say("PROXY TCP4 \(host) 198.51.100.1 1 2\r\n" + request()).text
        }
        try staged(yaml("split: { blue: 100 }\n    rules: [{ when: { client: [203.0.113.0/24] }, pool: green }]")) { sluice in
            let near = try answer(sluice, from: "203.0.113.7")
            let far = try answer(sluice, from: "203.0.114.7")
            #expect(near == "green" && far == "blue")
        }
        try staged(yaml("split: { blue: 50, green: 50 }\n    sticky: { key: client_ip }")) { sluice in
            var seen: Set<String> = []
            for host in 1...40 {
                let first = try answer(sluice, from: "203.0.113.\(host)")
                seen.insert(first)
                for _ in 0..<3 { #expect(try answer(sluice, from: "203.0.113.\(host)") == first) }
            }
            #expect(seen == ["blue", "green"])
        }
    }

    @Test("a connection without its header takes a place of the listener's, and a graceful shutdown does not wait for it")
    func placesAndShutdown() throws {
        try staged(introducing(to: [try ScriptedUpstream().place], top: "defaults: { limits: { connections: 2 } }")) { sluice in
            let waiting = try [sluice.client(), sluice.client()]
            #expect(try eventually { try sluice.counters() == Counters(clients: 2) })
            #expect(try sluice.status()["listeners"].items.first?["connections"].int == 2)
            let third = try sluice.client()
            #expect(third.isEnded, "it has no place")
            waiting[0].close()
            #expect(try eventually { try sluice.counters() == Counters(clients: 1) })
        }
        let sluice = try SluiceProcess(introducing(to: [try ScriptedUpstream().place]))
        let waiting = try sluice.client()
        #expect(try eventually { try sluice.counters() == Counters(clients: 1) })
        let (exit, span) = timed {
            sluice.child.signal(3)
            return sluice.child.waitForExit(within: .seconds(20))
        }
        #expect(exit == .code(0) && span < .seconds(5))
        #expect(waiting.isEnded)
        #expect(!sluice.errors.contains("no valid PROXY header"), "\(sluice.errors)")
    }

    @Test("a thousand connections, good and bad, leave nothing behind")
    func leaves() throws {
        try scene { sluice, origin in
            for round in 0..<1000 {
                let client = try sluice.client()
                switch round % 4 {
                case 0, 1: #expect(try client.ask((round % 8 == 0 ? Introduction.v1 : Introduction.v2) + request()).text == "ok")
                case 2: try client.send("PROXY TCP4 nonsense\r\n")
                default: try client.send("PRO")
                }
                if round % 3 == 0 { client.reset() } else { client.close() }
            }
            #expect(origin.requests.count == 500)
        }
    }
}
