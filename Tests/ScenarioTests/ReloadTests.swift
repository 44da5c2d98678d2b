import TestSupport
import Testing

/// What a reload changes, and all that it must leave alone.
@Suite struct ReloadTests {
    private func twoPools(
        _ blue: ScriptedUpstream, _ green: ScriptedUpstream, split: String, listeners: String = "{ name: web, bind: [\"127.0.0.1:0\"] }"
    )
        -> String
    {
        """
        listeners: [\(listeners)]
        services:
          shop:
            pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
            split: { \(split) }
        """
    }

    private func echo(_ name: String) -> ScriptedUpstream.Script {
        { peer in
            peer.patience = .seconds(60)
            while true {
                let head = try peer.wholeRequest()
                if head.target == "/ws" {
                    try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                    while true { try peer.send(bytes: try peer.read(4)) }
                }
                if head.target == "/download" {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                    for _ in 0..<5 {
                        try peer.send("xx")
                        _ = throughout(.milliseconds(200)) { true }
                    }
                } else {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
                }
            }
        }
    }

    @Test("what is in flight of a service that left takes its place when the service comes back")
    func serviceComesBack() throws {
        let door = Door()
        let script: ScriptedUpstream.Script = { peer in
            while true {
                if try peer.wholeRequest().target == "/held" { door.wait() }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let origin = try ScriptedUpstream(script)
        let without = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes: [{ match: { path: /ping }, respond: { status: 200, body: "pong" } }]
            """
        let with = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services: { shop: { pools: { blue: { targets: ["\(origin.place)"] } }, limits: { max_requests: 1 } } }
            """
        try staged(with) { sluice in
            let (held, other) = (try sluice.client(), try sluice.client())
            try held.send(request("GET", "/held"))
            #expect(eventually { origin.requests.count == 1 })
            #expect(try other.get().status == 503)
            #expect(try sluice.reload(without).exit == .code(0))
            #expect(try other.get("/ping").text == "pong")
            #expect(try sluice.reload(with).exit == .code(0))
            #expect(try other.get().status == 503, "the one place is still taken")
            door.open()
            #expect(try held.readAnswer().status == 200)
            for _ in 0..<3 { #expect(try other.get().status == 200) }
        }
    }

    @Test("downloads, tunnels and kept-alive clients live through three reloads, and the new split applies at once")
    func livesThrough() throws {
        let (blue, green) = (try ScriptedUpstream(echo("blue")), try ScriptedUpstream(echo("green")))
        try staged(twoPools(blue, green, split: "blue: 100")) { sluice in
            let client = try sluice.client()
            #expect(try client.get().text == "blue")
            let tunnel = try sluice.client()
            try tunnel.send(request("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket"))
            #expect(try tunnel.readAnswer().status == 101)
            let download = try sluice.client()
            try download.send(request("GET", "/download"))
            #expect(try download.readHead().status == 200)
            let place = try sluice.place()

            var expected = "blue"
            for split in ["green: 100", "blue: 100", "green: 100"] {
                let reload = try sluice.reload(twoPools(blue, green, split: split))
                #expect(reload.exit == .code(0), "\(reload.errors)")
                expected = String(split.prefix { $0 != ":" })
                for _ in 0..<10 { #expect(try client.get().text == expected) }
                try tunnel.send("ping")
                #expect(latin1(try tunnel.read(4)) == "ping")
                #expect(try sluice.place() == place, "the listener was not touched")
            }
            #expect(latin1(try download.read(10)) == "xxxxxxxxxx")
            #expect(try download.get().text == expected, "and its connection goes on")
            #expect(try sluice.counters().tunnels == 1)
        }
    }

    @Test("after `reload` returned nothing begins on the old pool, on any loop or connection")
    func cutover() throws {
        let (blue, green) = (try ScriptedUpstream(echo("blue")), try ScriptedUpstream(echo("green")))
        try staged(twoPools(blue, green, split: "blue: 100"), workers: 4) { sluice in
            let place = try sluice.place()
            let clients = try (0..<16).map { _ in try RawClient(place) }
            for round in 0..<6 {
                let (new, old) = round % 2 == 0 ? ("green", blue) : ("blue", green)
                #expect(try sluice.reload(twoPools(blue, green, split: "\(new): 100")).exit == .code(0))
                let before = old.requests.count
                for client in clients { #expect(try client.get().text == new) }
                #expect(old.requests.count == before)
            }
        }
    }

    @Test("listeners come and go without touching the others")
    func listeners() throws {
        let origin = try ScriptedUpstream()
        let web = "{ name: web, bind: [\"127.0.0.1:0\"] }"
        let both = "\(web), { name: more, bind: [\"127.0.0.1:0\"] }"
        try staged(twoPools(origin, origin, split: "blue: 100", listeners: web)) { sluice in
            let client = try sluice.client()
            #expect(try client.get().status == 200)
            #expect(try sluice.reload(twoPools(origin, origin, split: "blue: 100", listeners: both)).exit == .code(0))
            let more = try sluice.place("more")
            let other = try RawClient(more)
            #expect(try other.get().status == 200)
            #expect(try client.get().status == 200)
            #expect(try sluice.reload(twoPools(origin, origin, split: "blue: 100", listeners: web)).exit == .code(0))
            #expect(eventually { (try? RawClient(more, patience: .seconds(1))) == nil }, "the removed listener refuses")
            #expect(try client.get().status == 200)
            // Its connections are not cut in an exchange, whatever becomes of them later.
            let answer = try? other.get()
            #expect(answer == nil || answer?.status == 200)
        }
    }

    @Test("a listener that cannot be bound refuses the reload whole")
    func unbindable() throws {
        let (blue, green) = (try ScriptedUpstream(echo("blue")), try ScriptedUpstream(echo("green")))
        let taken = try ScriptedUpstream()
        try staged(twoPools(blue, green, split: "blue: 100")) { sluice in
            let before = try sluice.status()
            let listeners =
                "{ name: web, bind: [\"127.0.0.1:0\"] }, { name: free, bind: [\"127.0.0.1:0\"] }, { name: taken, bind: [\"\(taken.place)\"] }"
            let refused = try sluice.reload(twoPools(blue, green, split: "green: 100", listeners: listeners))
            #expect(refused.exit != .code(0))
            #expect((refused.errors + refused.output).contains("\(taken.place)"), "\(refused)")
            let after = try sluice.status()
            #expect(after["epoch"] == before["epoch"])
            #expect(after["listeners"].items.map { $0["name"].string } == ["web"])
            #expect(try sluice.client().get().text == "blue")
        }
    }

    @Test("a bad file is refused with exit 3 and its place, and the old one goes on serving")
    func badFile() throws {
        try staged { stage in
            let client = try stage.client()
            #expect(try client.get().status == 200)
            let epoch = try stage.sluice.status()["epoch"]
            for (bad, hint) in [
                ("listenrs: []", "listeners"), ("listeners: [{ name: web", ""), ("services: { shop: { pools: {}, split: { x: 1 } } }", ""),
            ] {
                let refused = try stage.sluice.reload(bad)
                #expect(refused.exit == .code(3), "\(bad)")
                #expect(refused.errors.contains("sluice.yaml:"), "\(refused.errors)")
                #expect(refused.errors.contains(hint))
                #expect(try client.get().status == 200)
                #expect(try stage.sluice.status()["epoch"] == epoch)
            }
            let check = try Program.run([SluiceProcess.binary, "check", "-c", stage.sluice.configuration])
            #expect(check.exit == .code(3))
        }
    }

    @Test("HUP reloads, and a bad file on HUP changes nothing")
    func hangUp() throws {
        let (blue, green) = (try ScriptedUpstream(echo("blue")), try ScriptedUpstream(echo("green")))
        try staged(twoPools(blue, green, split: "blue: 100")) { sluice in
            let client = try sluice.client()
            #expect(try client.get().text == "blue")
            try sluice.rewrite(twoPools(blue, green, split: "green: 100"))
            sluice.child.signal(1)
            #expect(try eventually { try client.get().text == "green" })
            try sluice.rewrite("nonsense: [")
            sluice.child.signal(1)
            #expect(eventually { (try? sluice.status()["config"]["last_reload"]["ok"].bool) == false })
            #expect(try client.get().text == "green")
        }
    }

    @Test("a retired target's idle connections are closed at once, and what is in flight finishes")
    func retired() throws {
        let script: ScriptedUpstream.Script = { peer in
            peer.patience = .seconds(60)
            while true {
                let head = try peer.wholeRequest()
                if head.target == "/slow" { _ = throughout(.seconds(1)) { true } }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold")
            }
        }
        let (old, new) = (try ScriptedUpstream(script), try ScriptedUpstream(ScriptedUpstream.answering("new")))
        try staged(SluiceProcess.forwarding(to: [old.place]), workers: 2) { sluice in
            let clients = try (0..<4).map { _ in try sluice.client() }
            for client in clients { #expect(try client.get().text == "old") }
            try clients[0].send(request("GET", "/slow"))
            #expect(eventually { old.requests.contains { $0.head.target == "/slow" } })
            #expect(try sluice.reload(SluiceProcess.forwarding(to: [new.place])).exit == .code(0))
            #expect(eventually(within: .milliseconds(700)) { old.openConnections <= 1 }, "idle connections are closed at once")
            #expect(try clients[0].readAnswer().text == "old")
            #expect(eventually { old.openConnections == 0 }, "not kept after its last exchange")
            for client in clients { #expect(try client.get().text == "new") }
        }
    }

    @Test("round-robin goes on where it was, and counters of unchanged targets carry on")
    func positionKept() throws {
        let origins = try ["a", "b", "c"].map { try ScriptedUpstream(ScriptedUpstream.answering($0)) }
        let yaml = SluiceProcess.forwarding(to: origins.map(\.place))
        try staged(yaml) { sluice in
            let client = try sluice.client()
            var order = ""
            for round in 0..<12 {
                order += try client.get().text
                let timeouts = "defaults: { timeouts: { idle: \(30 + round)s } }"
                #expect(try sluice.reload(SluiceProcess.forwarding(to: origins.map(\.place), top: timeouts)).exit == .code(0))
            }
            #expect(order == "abcabcabcabc")
            #expect(origins.map(\.connections).max() == 1, "idle connections were kept")
            let counts = try sluice.status()["services"][0]["pools"][0]["targets"].items.map { $0["requests"].int }
            #expect(counts == [4, 4, 4])
        }
    }
}
