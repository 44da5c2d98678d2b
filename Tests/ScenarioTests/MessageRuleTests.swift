import TestSupport
import Testing

/// What RFC 9110 and 9112 say about messages on their way through a proxy.
@Suite struct MessageRuleTests {
    private static let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    /// The upstream gives `first` to the first request of each connection and a plain answer to the rest.
    private static func first(_ first: String) -> ScriptedUpstream.Script {
        { peer in
            peer.patience = .seconds(60)
            try peer.wholeRequest()
            try peer.send(first)
            while true {
                try peer.wholeRequest()
                try peer.send(plain)
            }
        }
    }

    @Test(
        "an answer that has no body leaves the connection in step (RFC 9112 §6.3)",
        arguments: [
            ("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 500\r\n\r\n", 304),
            ("GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 200),
            ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200),
            ("HEAD", "HTTP/1.1 200 OK\r\n\r\n", 200),
        ])
    func noBody(method: String, answer: String, status: Int) throws {
        try staged(Self.first(answer), workers: 1) { stage in
            let client = try stage.client()
            let bare = try client.ask(request(method))
            #expect(bare.status == status && bare.text.isEmpty)
            if method == "HEAD", answer.contains("Content-Length") { #expect(bare["content-length"] == "500") }
            if status == 204 { #expect(bare["content-length"] == nil && bare["transfer-encoding"] == nil) }
            #expect(try client.get().text == "ok", "the next answer on the same connection")
            #expect(stage.origin.connections == 1, "the upstream's connection is reused")
        }
    }

    @Test("empty bodies pass in every framing, both ways")
    func emptyBodies() throws {
        try staged(Self.first("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), workers: 1) { stage in
            let client = try stage.client()
            let empty = try client.ask(request("POST", "/", "Transfer-Encoding: chunked", body: "0\r\n\r\n"))
            #expect(empty.status == 200 && empty.isWhole && empty.text.isEmpty)
            #expect(try client.ask(request("POST", "/", "Content-Length: 0")).text == "ok")
            #expect(stage.origin.requests.map(\.body.isWhole) == [true, true])
            #expect(stage.origin.requests.map(\.body.text) == ["", ""])
            #expect(stage.origin.requests[1].head["content-length"] == "0")
        }
    }

    @Test("request trailers arrive as trailers, and never as fields (RFC 9110 §6.5)")
    func requestTrailers() throws {
        try staged { stage in
            let trailers = "X-Sum: 7\r\nAuthorization: stolen\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b.test\r\n"
            let answer = try stage.client().ask(
                request("POST", "/", "Transfer-Encoding: chunked", "Trailer: X-Sum", body: "2\r\nhi\r\n0\r\n\(trailers)\r\n"))
            #expect(answer.status == 200)
            let seen = try #require(stage.origin.requests.first)
            #expect(seen.body.text == "hi" && seen.body.isWhole)
            #expect(seen.body.trailers == ["X-Sum: 7"], "only what may be a trailer")
            #expect(seen.head["x-sum"] == nil && seen.head["authorization"] == nil)
        }
    }

    @Test("response trailers reach a client that asked for them, and a client of 1.0 gets a plain body")
    func responseTrailers() throws {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n"
        try staged(ScriptedUpstream.replying(answer)) { stage in
            let asked = try stage.client().get("/", host: "a.test", "TE: trailers", "Connection: TE")
            #expect(asked.text == "ok" && asked.isWhole)
            #expect(asked.body.trailers == ["X-Sum: 7"])
            let old = try stage.client().ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
            #expect(old.text == "ok" && old["transfer-encoding"] == nil)
        }
    }

    @Test("where Connection names fields, no trailer passes: it may be one of them (RFC 9110 §7.6.1)")
    func nominatedTrailers() throws {
        let chunked = "2\r\nok\r\n0\r\nX-Sum: 7\r\nX-Secret: 1\r\n\r\n"
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: x-secret\r\n\r\n\(chunked)"
        try staged(ScriptedUpstream.replying(answer)) { stage in
            let client = try stage.client()
            for _ in 0..<2 {
                let got = try client.ask(
                    request("POST", "/", "Transfer-Encoding: chunked", "Connection: x-secret, keep-alive", body: chunked))
                #expect(got.text == "ok" && got.isWhole)
                #expect(got.body.trailers == [])
            }
            #expect(stage.origin.requests.map(\.body.text) == ["ok", "ok"])
            #expect(stage.origin.requests.map(\.body.trailers) == [[], []])
        }
    }

    @Test("100 Continue is the upstream's to say, and the body waits for it")
    func expectContinue() throws {
        let script: ScriptedUpstream.Script = { peer in
            while true {
                let head = try peer.request()
                if head.target == "/no" {
                    return try peer.send("HTTP/1.1 417 Expectation Failed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                }
                if head["expect"] != nil { try peer.send("HTTP/1.1 100 Continue\r\n\r\n") }
                try peer.body()
                try peer.send(Self.plain)
            }
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(request("POST", "/yes", "Expect: 100-continue", "Content-Length: 5"))
            #expect(try client.readHead().status == 100)
            try client.send("hello")
            #expect(try client.readAnswer().status == 200)
            #expect(stage.origin.requests[0].body.text == "hello")

            let refused = try stage.client()
            try refused.send(request("POST", "/no", "Expect: 100-continue", "Content-Length: 300000"))
            let answer = try refused.readAnswer()
            #expect(answer.status == 417 && answer.interims.isEmpty)
            #expect(try stage.client().get().status == 200)
        }
    }

    @Test("103 reaches a client of 1.1, and no interim answer a client of 1.0")
    func earlyHints() throws {
        let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n" + Self.plain
        try staged(ScriptedUpstream.replying(answer)) { stage in
            let new = try stage.client().get()
            #expect(new.interims.map { $0["link"] } == ["</a>", "</b>"])
            #expect(new.text == "ok")
            let old = try stage.client().ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
            #expect(old.interims.isEmpty && old.text == "ok")
        }
    }

    @Test("a client of 1.0 is served and its connection closed, unless it asks to keep it")
    func oldClient() throws {
        try staged { stage in
            let client = try stage.client()
            #expect(try client.ask("GET / HTTP/1.0\r\n\r\n").text == "ok")
            #expect(client.isEnded)
            #expect(stage.origin.requests[0].head.startLine == "GET / HTTP/1.1")
            let kept = try stage.client()
            let answer = try kept.ask("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
            if answer["connection"]?.lowercased() == "keep-alive" {
                #expect(try kept.ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").text == "ok")
            }
            #expect(kept.isEnded)
        }
    }

    @Test("an upstream of 1.0 is understood, with and without a length")
    func oldUpstream() throws {
        for answer in ["HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.0 200 OK\r\n\r\nok"] {
            try staged(ScriptedUpstream.once { try $0.send(answer) }) { stage in
                let client = try stage.client()
                for _ in 1...2 {
                    let answer = try client.get()
                    #expect(answer.text == "ok" && answer.isWhole && answer.head.startLine == "HTTP/1.1 200 OK")
                }
            }
        }
    }

    @Test("Connection: close of the client is honoured and said")
    func clientSaysClose() throws {
        try staged { stage in
            let client = try stage.client()
            let answer = try client.get("/", host: "a.test", "Connection: close")
            #expect(answer.text == "ok" && answer["connection"]?.lowercased() == "close")
            #expect(client.isEnded)
        }
    }

    @Test("an absolute target rules over Host, and arrives as a path")
    func absoluteForm() throws {
        try staged { stage in
            let client = try stage.client()
            #expect(try client.ask(request("GET", "http://real.test/x?y", host: "other.test")).status == 200)
            #expect(try client.ask(request("GET", "HTTP://real.test:81/?q", host: "other.test")).status == 200)
            #expect(stage.origin.requests.map { $0.head["host"] } == ["real.test", "real.test:81"])
            #expect(stage.origin.requests.map(\.head.target) == ["/x?y", "/?q"])
        }
    }

    @Test("OPTIONS * passes or is answered; Max-Forwards counts down and stops at zero (RFC 9110 §7.6.2)")
    func options() throws {
        try staged { stage in
            let client = try stage.client()
            #expect([200, 204].contains(try client.ask(request("OPTIONS", "*")).status))
            #expect(stage.origin.requests.allSatisfy { $0.head.startLine == "OPTIONS * HTTP/1.1" })
            let before = stage.origin.requests.count
            #expect(try client.ask(request("OPTIONS", "/", "Max-Forwards: 7")).status == 200)
            #expect(stage.origin.requests.last?.head.values("max-forwards") == ["6"])
            #expect(try client.ask(request("OPTIONS", "/", "Max-Forwards: 0")).status > 0)
            #expect(try client.ask(request("GET", "/", "Max-Forwards: 0")).status == 200)
            #expect(stage.origin.requests.count == before + 2)
        }
    }

    @Test("CONNECT is refused, an unknown method is passed on")
    func methods() throws {
        try staged { stage in
            let client = try stage.client()
            #expect(try [400, 405, 501].contains(client.ask(request("CONNECT", "a.test:443", host: "a.test:443")).status))
            #expect(stage.origin.requests.isEmpty)
            let other = try stage.client()
            #expect(try other.ask(request("BREW", "/pot")).status == 200)
            #expect(stage.origin.requests.map(\.head.method) == ["BREW"])
        }
    }

    @Test("a target passes byte for byte")
    func targetKept() throws {
        try staged { stage in
            let client = try stage.client()
            let target = "/a%2fb/./../c//d;x=1?q=%41&&=%20+a/../b"
            #expect(try client.get(target).status == 200)
            #expect(stage.origin.requests.map(\.head.target) == [target])
        }
    }

    @Test("bodies stream: each side has the first part before the other sent the rest")
    func streaming() throws {
        let script: ScriptedUpstream.Script = { peer in
            try peer.request()
            let first = try peer.read(5)
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\(latin1(first))")
            try peer.send(bytes: try peer.read(5))
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(request("POST", "/", "Content-Length: 10", body: "first"))
            #expect(try client.readHead().status == 200)
            #expect(latin1(try client.read(5)) == "first")
            try client.send("after")
            #expect(latin1(try client.read(5)) == "after")
        }
    }

    @Test("an upgrade becomes a tunnel, and bytes sent along with the 101 are not lost")
    func upgrade() throws {
        let script: ScriptedUpstream.Script = { peer in
            let head = try peer.request()
            guard head["upgrade"] == "websocket", head["connection"]?.lowercased() == "upgrade" else { return try peer.send(Self.plain) }
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
            while true { try peer.send(bytes: try peer.read(4)) }
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(request("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
            let answer = try client.readAnswer()
            #expect(answer.status == 101 && answer["upgrade"] == "websocket" && answer["connection"]?.lowercased() == "upgrade")
            #expect(latin1(try client.read(5)) == "hello")
            try client.send("ping")
            #expect(latin1(try client.read(4)) == "ping")
            #expect(try stage.sluice.counters().tunnels == 1)
            client.close()
            #expect(eventually { stage.origin.openConnections == 0 })
            #expect(stage.isQuiet)
        }
    }

    @Test("an upgrade that the upstream declines is an ordinary exchange")
    func upgradeDeclined() throws {
        try staged { stage in
            let client = try stage.client()
            let answer = try client.get("/ws", host: "a.test", "Connection: Upgrade", "Upgrade: websocket")
            #expect(answer.status == 200 && answer.text == "ok")
            if answer["connection"]?.lowercased().contains("close") != true { #expect(try client.get().text == "ok") }
        }
    }
}
