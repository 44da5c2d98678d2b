import TestSupport
import Testing

/// Clients that go away. Whatever they had begun is let go upstream, and nothing is left behind.
@Suite struct VanishingClientTests {
    private func clientsLeave(_ stage: Stage, resetting: Bool, after act: (RawClient) throws -> Void) throws {
        let client = try stage.client()
        try act(client)
        if resetting { client.reset() } else { client.close() }
    }

    @Test("a client that vanishes inside the head leaves nothing behind", arguments: [true, false])
    func insideHead(resetting: Bool) throws {
        try staged { stage in
            try clientsLeave(stage, resetting: resetting) { try $0.send("GET / HTTP/1.1\r\nHost: a.te") }
            #expect(stage.isQuiet)
            #expect(stage.origin.requests.isEmpty)
        }
    }

    @Test("a client that vanishes inside its body has its exchange aborted", arguments: [true, false])
    func insideBody(resetting: Bool) throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            try clientsLeave(stage, resetting: resetting) { client in
                try client.send(request("POST", "/", "Content-Length: 1000", body: "abc"))
                #expect(eventually { stage.origin.requests.count == 1 })
            }
            #expect(eventually { stage.origin.abandoned == 1 })
            #expect(stage.isQuiet)
        }
    }

    @Test("a client that vanishes inside a chunked body never looks finished to the upstream")
    func insideChunks() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            try peer.body()
        }
        try staged(script) { stage in
            try clientsLeave(stage, resetting: false) { client in
                try client.send(request("POST", "/", "Transfer-Encoding: chunked", body: "3\r\nabc\r\n"))
                #expect(eventually { stage.origin.requests.count == 1 })
            }
            #expect(eventually { stage.origin.openConnections == 0 })
            #expect(stage.origin.requests.first?.body.isWhole == false)
        }
    }

    @Test("a client that vanishes while it waits has its exchange aborted", arguments: [true, false])
    func waiting(resetting: Bool) throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.wholeRequest()
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            try clientsLeave(stage, resetting: resetting) { client in
                try client.send(request())
                #expect(eventually { stage.origin.requests.count == 1 })
            }
            #expect(eventually { stage.origin.abandoned == 1 })
            #expect(stage.isQuiet)
        }
    }

    @Test("a client that vanishes inside the answer has its exchange aborted", arguments: [true, false])
    func insideAnswer(resetting: Bool) throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.wholeRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            let block = [UInt8](repeating: 120, count: 65536)
            do { while true { try peer.send(bytes: block) } } catch WireError.reset {}
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            try clientsLeave(stage, resetting: resetting) { client in
                try client.send(request())
                _ = try client.readHead()
                _ = try client.read(100_000)
            }
            #expect(eventually { stage.origin.openConnections == 0 })
            #expect(stage.isQuiet)
        }
    }

    @Test("a client that vanishes while the connect is under way leaves nothing behind")
    func whileConnecting() throws {
        let silent = try SilentPort()
        try staged(SluiceProcess.forwarding(to: [silent.place], top: "defaults: { timeouts: { connect: 60s } }")) { sluice in
            let client = try sluice.client()
            try client.send(request())
            #expect(try eventually { try sluice.counters().exchanges == 1 })
            client.reset()
            #expect(try eventually { try sluice.counters() == Counters() })
        }
    }

    @Test("a client that half-closes behind its request gets its answer")
    func halfClose() throws {
        let script = ScriptedUpstream.once { peer in
            _ = throughout(.milliseconds(100)) { true }
            try peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        }
        try staged(script) { stage in
            for body in ["", "hello"] {
                let client = try stage.client()
                try client.send(request("POST", "/", "Content-Length: \(body.utf8.count)", body: body))
                client.shutdownWrite()
                let answer = try client.readAnswer()
                #expect(answer.status == 200 && answer.text == "ok" && answer.isWhole)
                #expect(client.isEnded, "there is no more to come")
            }
            #expect(stage.isQuiet)
        }
    }

    @Test("a client that half-closes inside its body is given up, not waited for")
    func halfCloseInsideBody() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(request("POST", "/", "Content-Length: 1000", body: "abc"))
            client.shutdownWrite()
            if let answer = try? client.readAnswer() { #expect(answer.status == 400) }
            #expect(client.isEnded)
            #expect(eventually { stage.origin.openConnections == 0 })
            #expect(stage.isQuiet)
        }
    }

    @Test("clients that connect and leave without a word cost nothing")
    func silentVisits() throws {
        try staged { stage in
            for round in 0..<100 { if round % 2 == 0 { try stage.client().close() } else { try stage.client().reset() } }
            #expect(stage.isQuiet)
            #expect(try stage.client().get().status == 200)
        }
    }

    @Test("300 idle connections stay open, cost little, and each still serves")
    func idleConnections() throws {
        try staged { stage in
            let before = stage.sluice.residentKiB
            let clients = try (0..<300).map { _ in try stage.client() }
            for client in clients { #expect(try client.get().status == 200) }
            let after = stage.sluice.residentKiB
            #expect(try stage.sluice.counters() == Counters(clients: 300))
            #expect(after - before < 4096, "300 connections took \(after - before) KiB")
            for client in clients { #expect(try client.get().status == 200) }
            for client in clients { client.close() }
            #expect(stage.isQuiet)
        }
    }
}
