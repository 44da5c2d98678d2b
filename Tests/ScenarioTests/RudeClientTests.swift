import TestSupport
import Testing

/// Clients that are slow, large, many or in a hurry.
@Suite struct RudeClientTests {
    @Test("requests sent in one go are answered in their order")
    func pipelined() throws {
        try staged(ScriptedUpstream.echoingHeads) { stage in
            let client = try stage.client()
            try client.send((1...20).map { request("GET", "/\($0)") }.joined())
            for round in 1...20 { #expect(try client.readAnswer().text.hasPrefix("GET /\(round) HTTP/1.1")) }
        }
    }

    @Test("bodies of pipelined requests go with their own head")
    func pipelinedBodies() throws {
        try staged { stage in
            let client = try stage.client()
            try client.send(
                request("POST", "/1", "Content-Length: 5", body: "first")
                    + request("POST", "/2", "Transfer-Encoding: chunked", body: "6\r\nsecond\r\n0\r\n\r\n")
                    + request("GET", "/3") + request("POST", "/4", "Content-Length: 0")
                    + request("PUT", "/5", "Content-Length: 5", body: "fifth"))
            for _ in 1...5 { #expect(try client.readAnswer().status == 200) }
            #expect(stage.origin.requests.map { $0.head.method + $0.head.target } == ["POST/1", "POST/2", "GET/3", "POST/4", "PUT/5"])
            #expect(stage.origin.requests.map(\.body.text) == ["first", "second", "", "", "fifth"])
        }
    }

    @Test("what follows an unreadable request on the same connection is not read")
    func pipelinedBehindError() throws {
        try staged { stage in
            let client = try stage.client()
            try client.send(request("GET", "/1") + "GET /2 HTTP/1.1\r\nHost : a.test\r\n\r\n" + request("GET", "/3"))
            #expect(try client.readAnswer().status == 200)
            #expect(try client.readAnswer().status == 400)
            #expect(client.isEnded)
            #expect(stage.origin.requests.map(\.head.target) == ["/1"])
        }
    }

    @Test("what follows a 404 of the proxy's own is served")
    func pipelinedBehindNoRoute() throws {
        let origin = try ScriptedUpstream()
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes: [{ match: { path: /here }, service: shop }]
            services: { shop: { pools: { only: { targets: ["\(origin.place)"] } } } }
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            try client.send(request("GET", "/gone") + request("POST", "/gone", "Content-Length: 3", body: "abc") + request("GET", "/here"))
            #expect(try [client.readAnswer().status, client.readAnswer().status, client.readAnswer().status] == [404, 404, 200])
        }
    }

    @Test("a request that comes in single bytes is the same request")
    func dribbled() throws {
        try staged { stage in
            let client = try stage.client()
            try client.dribble(
                request("POST", "/d?q=1", "Transfer-Encoding: chunked", "X-A: b", body: "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n"))
            #expect(try client.readAnswer().status == 200)
            try client.dribble(request("POST", "/e", "Content-Length: 5", body: "hello"))
            #expect(try client.readAnswer().status == 200)
            #expect(stage.origin.requests.map(\.body.text) == ["abcde", "hello"])
            #expect(stage.origin.requests[0].head["x-a"] == "b")
        }
    }

    @Test("a head that does not end in time is a 408", arguments: ["", "GET / HTTP/1.1\r\nHost: a"])
    func slowHead(sent: String) throws {
        try staged(top: "defaults: { timeouts: { request_header: 300ms } }") { stage in
            let client = try stage.client()
            try client.send(sent)
            let (answer, span) = timed { try? client.readAnswer() }
            // Nothing was said at all: closing without an answer is as good.
            if let answer { #expect(answer.status == 408) } else { #expect(sent.isEmpty) }
            #expect(span < .seconds(5))
            #expect(client.isEnded)
            #expect(stage.isQuiet)
        }
    }

    @Test("a head that trickles does not move its deadline")
    func trickledHead() throws {
        try staged(top: "defaults: { timeouts: { request_header: 500ms } }") { stage in
            let client = try stage.client()
            let (_, span) = timed {
                while let _ = try? client.send("GET / HTTP/1.1\r\nHost: a.test\r\n".isEmpty ? "" : "X"), !client.hasInput {
                    _ = throughout(.milliseconds(20)) { true }
                }
            }
            #expect(span < .seconds(3), "\(span)")
            #expect(try client.readAnswer().status == 408)
        }
    }

    @Test("a body that falls silent is a 408, and its exchange is let go")
    func slowBody() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            peer.waitUntilAbandoned()
        }
        try staged(script, top: "defaults: { timeouts: { idle: 300ms } }") { stage in
            let client = try stage.client()
            try client.send(request("POST", "/", "Content-Length: 100", body: "abc"))
            #expect(try client.readAnswer().status == 408)
            #expect(client.isEnded)
            #expect(eventually { stage.origin.abandoned == 1 })
            #expect(stage.isQuiet)
        }
    }

    @Test("an idle kept-alive connection is closed at its deadline, without a word")
    func keepaliveDeadline() throws {
        try staged(top: "defaults: { timeouts: { keepalive: 300ms } }") { stage in
            let client = try stage.client()
            #expect(try client.get().status == 200)
            let (ended, span) = timed { client.isEnded }
            #expect(ended && span < .seconds(5))
            #expect(stage.isQuiet)
        }
    }

    @Test("a head over the limit is a 431, a request line over it a 414, and nothing is forwarded")
    func oversizeHead() throws {
        try staged(top: "defaults: { limits: { header_bytes: 4KiB } }") { stage in
            let long = String(repeating: "a", count: 5000)
            let cases = [
                (request("GET", "/", "X-A: \(long)"), 431), (request("GET", "/\(long)"), 414),
                (request("GET", "/").dropLast(2) + String(repeating: "X-A: b\r\n", count: 900) + "\r\n", 431),
            ]
            for (bytes, status) in cases {
                let client = try stage.client()
                try client.send(String(bytes))
                #expect(try client.readAnswer().status == status)
                #expect(client.isEnded)
            }
            let endless = try stage.client()
            _ = try? endless.send("GET /" + String(repeating: "a", count: 200_000))
            #expect(try endless.readAnswer().status == 414)
            #expect(stage.origin.requests.isEmpty)
        }
    }

    @Test("too many fields are a 431")
    func manyFields() throws {
        try staged { stage in
            let fields = String(repeating: "X-A: b\r\n", count: 2000)
            let answer = try stage.client().ask("GET / HTTP/1.1\r\nHost: a.test\r\n\(fields)\r\n")
            #expect(answer.status == 431)
            #expect(stage.origin.requests.isEmpty)
        }
    }

    @Test("a body over the limit is a 413: at once when its length is told, at the limit when it is not")
    func oversizeBody() throws {
        let script: ScriptedUpstream.Script = { peer in
            while true {
                try peer.wholeRequest()
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        try staged(script, top: "defaults: { limits: { body_bytes: 10KiB } }") { stage in
            let told = try stage.client()
            try told.send(request("POST", "/told", "Content-Length: 10241"))
            #expect(try told.readAnswer().status == 413)
            #expect(stage.origin.requests.isEmpty)

            let chunked = try stage.client()
            let chunk = "1000\r\n" + String(repeating: "x", count: 4096) + "\r\n"
            try chunked.send(request("POST", "/chunked", "Transfer-Encoding: chunked", body: chunk + chunk + chunk))
            #expect(try chunked.readAnswer().status == 413)
            #expect(chunked.isEnded)
            #expect(stage.origin.requests.allSatisfy { !$0.body.isWhole })

            let fits = try stage.client()
            #expect(try fits.post("/fits", String(repeating: "x", count: 10240)).status == 200)
        }
    }

    @Test("connections over the listener's limit are not served, and places come free again")
    func connectionLimit() throws {
        try staged(top: "defaults: { limits: { connections: 5 } }") { stage in
            let clients = try (0..<5).map { _ in try stage.client() }
            for client in clients { #expect(try client.get().status == 200) }
            let extra = try stage.client()
            extra.patience = .milliseconds(300)
            let answer = try? extra.get()
            #expect(answer == nil || answer?.status == 503)
            extra.close()
            for client in clients { client.close() }
            #expect(eventually { (try? stage.client().get().status) == 200 })
        }
    }
}
