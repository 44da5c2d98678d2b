import TestSupport
import Testing

/// Answers that come before the request is over, and connections that end just as we use them.
@Suite struct EarlyAnswerTests {
    private let upload = "POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: 50000000\r\n\r\n"

    @Test("an answer while the body still flows reaches the client at once", arguments: ["", "Connection: close\r\n"])
    func early(field: String) throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            _ = try peer.read(10_000)
            try peer.send("HTTP/1.1 413 Content Too Large\r\n\(field)Content-Length: 4\r\n\r\nbig!")
            if field.isEmpty { peer.waitUntilAbandoned() }
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(upload + String(repeating: "x", count: 20_000))
            let answer = try client.readAnswer(to: "POST")
            #expect(answer.status == 413 && answer.text == "big!" && answer.isWhole)
        }
    }

    @Test("a client that goes on uploading still gets the early answer of an upstream that closed")
    func earlyAndClosed() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            try peer.send("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbig!")
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(upload)
            let block = [UInt8](repeating: 120, count: 65536)
            do {
                for _ in 0..<16 { guard try client.sendWhatFits(block, patience: .milliseconds(500)) == block.count else { break } }
            } catch WireError.reset {}
            let answer = try client.readAnswer(to: "POST")
            #expect(answer.status == 413 && answer.text == "big!")
        }
    }

    @Test("after an early answer the rest of the body is never taken for a request")
    func restOfBody() throws {
        let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(smuggled.utf8.count)\r\n\r\n")
            #expect(try client.readAnswer(to: "POST").status == 200)
            try? client.send(smuggled)
            let next = try? client.ask(request("GET", "/next"))
            #expect(next == nil || next?.status == 200)
            #expect(!stage.origin.requests.contains { $0.head.target == "/smuggled" })
        }
    }

    /// The first connection serves one request, hears the next and dies; later ones serve all.
    private static func dying(_ end: @escaping @Sendable (Peer) -> Void) -> ScriptedUpstream.Script {
        { peer in
            peer.patience = .seconds(60)
            for round in 1... {
                try peer.wholeRequest()
                if peer.number == 1 && round == 2 { return end(peer) }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    @Test("a GET on a reused connection that dies unanswered is sent again on a fresh one", arguments: [true, false])
    func reusedGet(resets: Bool) throws {
        try staged(Self.dying { if resets { $0.reset() } }, workers: 1) { stage in
            let client = try stage.client()
            #expect(try client.get("/1").status == 200)
            let answer = try client.get("/2")
            #expect(answer.status == 200 && answer.text == "ok")
            #expect(stage.origin.requests.map(\.head.target) == ["/1", "/2", "/2"])
            #expect(stage.origin.connections == 2)
        }
    }

    @Test("a POST on a reused connection that dies after it was read is not sent again", arguments: [true, false])
    func reusedPost(resets: Bool) throws {
        try staged(Self.dying { if resets { $0.reset() } }, workers: 1) { stage in
            let client = try stage.client()
            #expect(try client.get("/1").status == 200)
            #expect(try client.post("/2", "pay").status == 502)
            #expect(stage.origin.requests.map(\.head.target) == ["/1", "/2"])
        }
    }

    @Test("a GET on a fresh connection that dies unanswered is not sent a second time there and then for ever")
    func freshGet() throws {
        try staged(ScriptedUpstream.once { _ in }) { stage in
            let answer = try stage.client().get()
            #expect(answer.status == 502)
            #expect(stage.origin.requests.count <= 2)
        }
    }

    @Test("an idle connection that the upstream has closed is not used")
    func closedWhileIdle() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.wholeRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        try staged(script, workers: 1) { stage in
            let client = try stage.client()
            for round in 1...5 {
                #expect(try client.post("/", "pay").status == 200)
                #expect(eventually { (try? stage.sluice.idleUpstreamConnections()) == 0 }, "round \(round)")
            }
            #expect(stage.origin.connections == 5)
        }
    }

    @Test("an upstream that says close is obeyed, and the client does not notice")
    func saysClose() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.wholeRequest()
            try peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
            peer.waitUntilAbandoned()
        }
        try staged(script, workers: 1) { stage in
            let client = try stage.client()
            for _ in 1...3 {
                let answer = try client.get()
                #expect(answer.status == 200 && answer["connection"]?.contains("close") != true)
            }
            #expect(stage.origin.connections == 3)
            #expect(eventually { stage.origin.abandoned == 3 })
        }
    }
}
