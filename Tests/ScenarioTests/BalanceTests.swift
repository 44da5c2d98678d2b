import TestSupport
import Testing

/// Who gets how much: exact, with any number of loops.
@Suite struct BalanceTests {
    private func origins(_ names: [String]) throws -> [ScriptedUpstream] {
        try names.map { try ScriptedUpstream(ScriptedUpstream.answering($0)) }
    }

    private func yaml(pools: String, service: String = "") -> String {
        """
        listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
        services:
          shop:
            pools: \(pools)
            \(service)
        """
    }

    /// How often each answer came, over `clients` connections in turn.
    private func tally(_ count: Int, clients: [RawClient]) throws -> [String: Int] {
        var tally: [String: Int] = [:]
        for round in 0..<count { tally[try clients[round % clients.count].get().text, default: 0] += 1 }
        return tally
    }

    private func weighted(_ origins: [ScriptedUpstream]) -> String {
        yaml(
            pools:
                "{ only: { targets: [{ address: \"\(origins[0].place)\", weight: 5 }, \"\(origins[1].place)\", \"\(origins[2].place)\"] } }"
        )
    }

    @Test("smooth weighted round-robin is exact in every cycle on one connection")
    func weightsOnOneConnection() throws {
        let origins = try origins(["a", "b", "c"])
        try staged(weighted(origins), workers: 4) { sluice in
            let client = try sluice.client()
            var order = ""
            for _ in 0..<21 { order += try client.get().text }
            for cycle in 0..<3 {
                let part = order.dropFirst(cycle * 7).prefix(7)
                #expect(part.count { $0 == "a" } == 5 && part.contains("b") && part.contains("c"), "\(order)")
            }
            #expect(!order.contains("aaaaa"), "smooth: \(order)")
        }
    }

    @Test("the same over many connections and four loops")
    func weightsOverLoops() throws {
        let origins = try origins(["a", "b", "c"])
        try staged(weighted(origins), workers: 4) { sluice in
            let place = try sluice.place()
            #expect(try tally(70, clients: (0..<10).map { _ in try RawClient(place) }) == ["a": 50, "b": 10, "c": 10])
            for _ in 0..<14 { #expect(try RawClient(place).get("/", host: "a.test", "Connection: close").status == 200) }
            #expect(origins.map(\.requests.count) == [60, 12, 12])
        }
    }

    @Test("a split of 90 to 10 is exact over 1000 requests and four loops")
    func split() throws {
        let origins = try origins(["blue", "green"])
        let text = yaml(
            pools: "{ blue: { targets: [\"\(origins[0].place)\"] }, green: { targets: [\"\(origins[1].place)\"] } }",
            service: "split: { blue: 90, green: 10 }")
        try staged(text, workers: 4) { sluice in
            let place = try sluice.place()
            let clients = try (0..<16).map { _ in try RawClient(place) }
            for hundred in 1...10 {
                let got = try tally(100, clients: clients)
                #expect(got == ["blue": 90, "green": 10], "hundred \(hundred)")
            }
        }
    }

    @Test("a canary of 1 % gets one of every hundred, and not the very first")
    func canary() throws {
        let origins = try origins(["stable", "canary"])
        let text = yaml(
            pools: "{ stable: { targets: [\"\(origins[0].place)\"] }, canary: { targets: [\"\(origins[1].place)\"] } }",
            service: "split: { stable: \"99%\", canary: \"1%\" }")
        try staged(text) { sluice in
            let client = try sluice.client()
            #expect(try client.get().text == "stable")
            #expect(try tally(199, clients: [client]) == ["stable": 197, "canary": 2])
        }
    }

    @Test("least-connections leaves a stuck target alone, across loops")
    func leastConnections() throws {
        let stuck = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let quick = try ScriptedUpstream(ScriptedUpstream.answering("quick"))
        let text = yaml(pools: "{ only: { targets: [\"\(stuck.place)\", \"\(quick.place)\"] } }", service: "balance: least-connections")
        try staged(text, workers: 4) { sluice in
            let place = try sluice.place()
            let first = try RawClient(place)
            // Ties are broken in turn, so at most two requests pass before one is stuck.
            var waiting = [first]
            try first.send(request())
            while !eventually(within: .milliseconds(200), { stuck.requests.count == 1 }) {
                let next = try RawClient(place)
                try next.send(request())
                waiting.append(next)
                guard waiting.count < 4 else { break }
            }
            #expect(stuck.requests.count == 1)
            let clients = try (0..<8).map { _ in try RawClient(place) }
            #expect(try tally(100, clients: clients) == ["quick": 100])
            #expect(stuck.requests.count == 1)
        }
    }

    @Test("least-connections shares ties fairly")
    func leastConnectionsTies() throws {
        let origins = try origins(["a", "b", "c", "d"])
        let targets = origins.map { "\"\($0.place)\"" }.joined(separator: ", ")
        try staged(yaml(pools: "{ only: { targets: [\(targets)] } }", service: "balance: least-connections")) { sluice in
            let got = try tally(100, clients: [try sluice.client()])
            #expect(got.count == 4 && got.values.allSatisfy { (15...35).contains($0) }, "\(got)")
        }
    }

    @Test("IPv6 and Unix sockets serve as listeners and as targets")
    func families() throws {
        let folder = try TemporaryFolder()
        let origins = [try ScriptedUpstream(at: .v6(0)), try ScriptedUpstream(at: .unix(folder["up.sock"])), try ScriptedUpstream()]
        let yaml = """
            listeners:
              - { name: web, bind: ["127.0.0.1:0", "[::1]:0", "unix:\(folder["in.sock"])"] }
            services: { shop: { pools: { only: { targets: [\(origins.map { "\"\($0.place)\"" }.joined(separator: ", "))] } } } }
            """
        try staged(yaml) { sluice in
            for index in 0..<3 {
                let client = try RawClient(sluice.place("web", index))
                for _ in 0..<3 { #expect(try client.get().text == "ok") }
            }
            #expect(origins.map(\.requests.count) == [3, 3, 3])
            let forwarded = origins.flatMap(\.requests).compactMap { $0.head["forwarded"] }
            #expect(forwarded.contains { $0.contains("for=\"[::1]\"") })
        }
    }

    @Test("requests over max_requests wait their turn, and those over the queue are told to come back")
    func queue() throws {
        let script: ScriptedUpstream.Script = { peer in
            while true {
                let head = try peer.wholeRequest()
                if head.target == "/hold" { _ = try peer.readLine() }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        try staged(script, service: "limits: { max_requests: 2, queue: 1, queue_timeout: 500ms }") { stage in
            let held = try (0..<2).map { _ in try stage.client() }
            for client in held { try client.send(request("GET", "/hold")) }
            #expect(eventually { stage.origin.requests.count == 2 })

            let queued = try stage.client()
            try queued.send(request("GET", "/queued"))
            #expect(try eventually { try stage.sluice.status()["services"][0]["queued"].int == 1 })
            let over = try stage.client().get("/over")
            #expect(over.status == 503 && over["retry-after"] != nil)
            let (late, span) = try timed { try queued.readAnswer() }
            #expect(late.status == 503 && late["retry-after"] != nil && span < .seconds(5))

            let next = try stage.client()
            try next.send(request("GET", "/next"))
            held[0].reset()
            #expect(try next.readAnswer().status == 200, "a place came free")
            #expect(!stage.origin.requests.contains { ["/queued", "/over"].contains($0.head.target) })
        }
    }
}
