import Testing

@testable import HTTP

@Suite("HTTP/2 header rules")
struct H2RulesTests {
    /// What a server tells of one request, without the settings.
    private func told(_ fields: [(String, String)], ends: Bool = true, then more: [UInt8] = []) throws -> [String] {
        let server = try Shore(.server)
        server.feed(Frames.hello + Frames.headers(1, fields, ends: ends) + more)
        _ = server.output()
        return server.log.filter { $0 != "settings" }
    }

    /// Request heads that are malformed (RFC 9113 §8.1.1): never told.
    static let malformed: [[(String, String)]] = [
        Frames.get + [("Upper", "x")],
        Frames.get + [("connection", "close")],
        Frames.get + [("keep-alive", "1")],
        Frames.get + [("proxy-connection", "x")],
        Frames.get + [("transfer-encoding", "chunked")],
        Frames.get + [("upgrade", "websocket")],
        Frames.get + [("te", "gzip")],
        Frames.get + [("te", "trailers, deflate")],
        Frames.get + [("host", "b.test")],
        Frames.get + [("x y", "1")],
        Frames.get + [("x:y", "1")],
        Frames.get + [("", "1")],
        Frames.get + [("x", "a\rb")],
        Frames.get + [("x", "a\nb")],
        Frames.get + [("x", "a\u{0}b")],
        Frames.get + [("x", " a")],
        Frames.get + [("x", "a ")],
        Frames.get + [(":path", "/2")],
        Frames.get + [(":status", "200")],
        Frames.get + [(":other", "1")],
        Frames.get + [("content-length", "1x")],
        Frames.get + [("content-length", "1"), ("content-length", "2")],
        [("x", "1")] + Frames.get,
        Array(Frames.get.dropFirst()),
        [Frames.get[0]] + Frames.get.dropFirst(2),
        Array(Frames.get.dropLast()),
        [(":method", "GET"), (":scheme", "http"), (":path", "/")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "x")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/a b")],
        [(":method", "G T"), (":scheme", "http"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "ftp"), (":authority", "a"), (":path", "/")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "*")],
        [(":method", "GET"), (":scheme", "http"), (":authority", "a b"), (":path", "/")],
        [(":method", "CONNECT"), (":scheme", "http"), (":authority", "a:1"), (":path", "/")],
        [(":method", "GET"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"), (":path", "/")],
    ]

    @Test("a malformed request resets its stream and is not told", arguments: malformed.indices)
    func refused(index: Int) throws {
        let server = try Shore(.server)
        server.feed(Frames.hello + Frames.headers(1, Self.malformed[index]) + Frames.headers(3))
        let answer = server.output()
        #expect(server.log == ["settings", "request 3 GET http a.test /", "end 3"], "\(Self.malformed[index])")
        let reset = Frames.reset(1, 1)
        #expect(answer.indices.contains { answer[$0...].starts(with: reset) })
    }

    static let sound: [([(String, String)], String)] = [
        (Frames.get + [("te", "trailers")], "GET http a.test / te=trailers"),
        (Frames.get + [("host", "A.test")], "GET http a.test / host=A.test"),
        (Frames.get + [("x", "")], "GET http a.test / x="),
        (Frames.get + [("x", "\u{e9}")], "GET http a.test / x=\u{e9}"),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", "b")], "GET https / host=b"),
        ([(":method", "OPTIONS"), (":scheme", "http"), (":authority", "a"), (":path", "*")], "OPTIONS http a *"),
        ([(":method", "CONNECT"), (":authority", "a:443")], "CONNECT a:443"),
        ([(":path", "/"), (":method", "GET"), (":authority", "a"), (":scheme", "http")], "GET http a /"),
    ]

    @Test("a sound request is told as it came", arguments: sound.indices)
    func accepted(index: Int) throws {
        #expect(try told(Self.sound[index].0) == ["request 1 \(Self.sound[index].1)", "end 1"])
    }

    @Test("content must be as long as announced")
    func contentLength() throws {
        let announced = Frames.post + [("content-length", "3")]
        #expect(try told(announced, ends: false, then: Frames.data(1, "abc", ends: true)).suffix(2) == ["data 1 3", "end 1"])
        let short = try told(announced, ends: false, then: Frames.data(1, "ab", ends: true))
        #expect(short.last == "closed 1 1")
        let long = try told(announced, ends: false, then: Frames.data(1, "abcd", ends: true))
        #expect(long.last == "closed 1 1" && !long.contains("end 1"))
        #expect(try told(announced).isEmpty)
    }

    @Test("trailers may hold no pseudo-header and must end the stream")
    func trailers() throws {
        let good = Frames.data(1, "a") + Frames.headers(1, [("x", "1")])
        #expect(try told(Frames.post, ends: false, then: good).suffix(2) == ["trailers 1 x=1", "end 1"])
        let pseudo = Frames.data(1, "a") + Frames.headers(1, [(":path", "/x")])
        #expect(try told(Frames.post, ends: false, then: pseudo).last == "closed 1 1")
        let open = Frames.data(1, "a") + Frames.headers(1, [("x", "1")], ends: false)
        #expect(try told(Frames.post, ends: false, then: open).last == "closed 1 1")
    }

    @Test("extended CONNECT is told only where it is offered")
    func webSocket() throws {
        let ask = [
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":authority", "a"), (":path", "/chat"),
        ]
        #expect(try told(ask, ends: false) == ["request 1 CONNECT https a /chat websocket"])
        var limits = H2Limits()
        limits.offersWebSocket = false
        let server = try Shore(.server, limits: limits)
        server.feed(Frames.hello + Frames.headers(1, ask, ends: false))
        _ = server.output()
        #expect(server.log == ["settings"])
    }

    @Test("trailers beyond the limits end their stream: nobody can be answered for them, and none are lost in silence")
    func overfullTrailers() throws {
        let server = try Shore(.server)
        server.feed(Frames.hello + Frames.headers(1, Frames.post, ends: false))
        server.feed(Frames.headers(1, (0..<5).map { ("x\($0)", String(repeating: "y", count: 3000)) }))
        for number in 0..<5 {
            let last = number == 4
            let block = Frames.block((0..<5).map { ("z\(number)\($0)", String(repeating: "y", count: 3200)) })
            if number == 0 { server.feed(Frames.headers(3, Frames.post, ends: false) + Frames.frame(1, 1, 3, block)) }
            if number > 0 { server.feed(Frames.frame(9, last ? 4 : 0, 3, block)) }
        }
        #expect(server.output().suffix(13) == Frames.reset(3, 1)[...])
        #expect(server.log.contains { $0.hasPrefix("trailers 1 ") } && !server.log.contains { $0.hasPrefix("trailers 3") })
        #expect(server.log.last == "closed 3 1" && server.error == nil)
    }

    @Test("a head beyond the limits is told as overfull, without what was too much")
    func overfull() throws {
        var limits = H2Limits()
        (limits.headerFields, limits.headerListBytes) = (4, 4096)
        let server = try Shore(.server, limits: limits)
        let many = (0..<6).map { ("x\($0)", "1") }
        server.feed(Frames.hello + Frames.headers(1, Frames.get + many))
        server.feed(Frames.headers(3, Frames.get + [("big", String(repeating: "b", count: 5000))]))
        #expect(server.log[1] == "request 1 GET http a.test / x0=1 x1=1 x2=1 x3=1 overfull")
        #expect(server.log[3] == "request 3 GET http a.test / overfull")
        server.feed(Frames.headers(5, [(":path", "/" + String(repeating: "b", count: 5000))] + Frames.get.dropLast()))
        #expect(server.log[5] == "request 5  overfull" || server.log[5] == "request 5 overfull")
    }

    static let malformedResponses: [[(String, String)]] = [
        [("x", "1")],
        [(":status", "200"), ("X", "1")],
        [(":status", "200"), ("connection", "close")],
        [(":status", "200"), ("transfer-encoding", "chunked")],
        [(":status", "200"), (":status", "200")],
        [(":status", "200"), (":path", "/")],
        [("x", "1"), (":status", "200")],
        [(":status", "20")],
        [(":status", "2000")],
        [(":status", "abc")],
        [(":status", "101")],
        [(":status", "200"), ("x", "a\nb")],
        [(":status", "200"), ("content-length", "-1")],
        [(":status", "200"), ("content-length", "5")],
    ]

    @Test("a malformed response is told as a stream closed for it, its neighbour lives on", arguments: malformedResponses.indices)
    func malformedResponse(index: Int) throws {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        for _ in 0..<2 { _ = client.session.request(list(aRequest), ends: true, user: 0) }
        _ = client.output()
        client.feed(Frames.headers(1, Self.malformedResponses[index]) + Frames.headers(3, [(":status", "200")]))
        _ = client.output()
        #expect(!client.log.contains { $0.hasPrefix("response 1 ") || $0 == "end 1" }, "\(client.log)")
        #expect(client.log.contains("closed 1 1") && client.log.contains("closed 3 0"), "\(client.log)")
        #expect(client.session.streamCount == 0)
    }

    @Test("interim responses come before the final one, and trailers behind its content")
    func responseParts() throws {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        _ = client.session.request(list(aRequest), ends: true, user: 0)
        _ = client.output()
        client.feed(
            Frames.headers(1, [(":status", "100")], ends: false) + Frames.headers(1, [(":status", "103")], ends: false)
                + Frames.headers(1, [(":status", "200")], ends: false) + Frames.data(1, "abc") + Frames.headers(1, [("grpc-status", "0")]))
        #expect(
            client.log == [
                "settings", "interim 1 100", "interim 1 103", "response 1 200", "data 1 3", "trailers 1 grpc-status=0", "end 1",
                "closed 1 0",
            ])
    }
}
