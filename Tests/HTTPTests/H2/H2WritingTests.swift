import Testing

@testable import HTTP

@Suite("Heads between HTTP/1.1 and HTTP/2")
struct H2WritingTests {
    /// The request as HTTP/1.1 that comes of these fields.
    private func h1(_ fields: [(String, String)], ends: Bool = true) throws -> String? {
        let server = try Shore(.server)
        var result: String?
        server.onEvent = { shore, event in if case .request(_, let head) = event { result = shore.h1(head) } }
        server.feed(Frames.hello + Frames.headers(1, fields, ends: ends))
        return result
    }

    private func h1Response(_ fields: [(String, String)], ends: Bool = false, to method: HTTP.Method = .get, upgrades: Bool = false) throws
        -> String?
    {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        let name = method == .head ? "HEAD" : "GET"
        _ = client.session.request(
            list([":method": name, ":scheme": "http", ":authority": "a", ":path": "/"]), ends: true, user: 0)
        _ = client.output()
        var result: String?
        client.onEvent = { shore, event in
            switch event {
            case .response(_, let head), .interim(_, let head): result = shore.h1(head, to: method, upgrades: upgrades)
            default: break
            }
        }
        client.feed(Frames.headers(1, fields, ends: ends))
        return result
    }

    @Test("a request becomes a head that our own parser accepts")
    func requests() throws {
        #expect(try h1(Frames.get + [("accept", "*/*")]) == "GET / HTTP/1.1\r\nhost: a.test\r\naccept: */*\r\n\r\n")
        #expect(
            try h1(Frames.get + [("cookie", "a=1"), ("x", "1"), ("cookie", "b=2"), ("cookie", "c=3")])
                == "GET / HTTP/1.1\r\nhost: a.test\r\nx: 1\r\ncookie: a=1; b=2; c=3\r\n\r\n")
        #expect(try h1(Frames.get + [("host", "a.test")]) == "GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        #expect(
            try h1([(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "b")]) == "GET / HTTP/1.1\r\nhost: b\r\n\r\n")
        #expect(try h1(Frames.post, ends: false) == "POST / HTTP/1.1\r\nhost: a.test\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(
            try h1(Frames.post + [("content-length", "3")], ends: false)
                == "POST / HTTP/1.1\r\nhost: a.test\r\ncontent-length: 3\r\n\r\n")
        #expect(try h1([(":method", "CONNECT"), (":authority", "a:443")])?.hasPrefix("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n") == true)
        #expect(
            try h1([(":method", "OPTIONS"), (":scheme", "http"), (":authority", "a"), (":path", "*")])
                == "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n")
        let chat = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"), (":path", "/c")]
        let upgrade = try #require(try h1(chat + [("sec-websocket-version", "13")], ends: false))
        #expect(
            upgrade
                == "GET /c HTTP/1.1\r\nhost: a\r\nsec-websocket-version: 13\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        #expect(parse(upgrade)?.head.wantsUpgrade == true)
        #expect(parse(try #require(try h1(Frames.post, ends: false)))?.head.framing == .chunked)
    }

    @Test("a response becomes a head with the framing that its reader needs")
    func responses() throws {
        let ok = [(":status", "200"), ("x", "1")]
        #expect(try h1Response(ok) == "HTTP/1.1 200 OK\r\nx: 1\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(try h1Response(ok, ends: true) == "HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 0\r\n\r\n")
        #expect(try h1Response(ok, ends: true, to: .head) == "HTTP/1.1 200 OK\r\nx: 1\r\n\r\n")
        #expect(try h1Response(ok + [("content-length", "5")]) == "HTTP/1.1 200 OK\r\nx: 1\r\ncontent-length: 5\r\n\r\n")
        #expect(try h1Response([(":status", "204")], ends: true) == "HTTP/1.1 204 No Content\r\n\r\n")
        #expect(try h1Response([(":status", "304")], ends: true) == "HTTP/1.1 304 Not Modified\r\n\r\n")
        #expect(try h1Response([(":status", "103"), ("link", "x")]) == "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n")
        #expect(try h1Response([(":status", "101")]) == nil)
        #expect(try h1Response([(":status", "599")], ends: true) == "HTTP/1.1 599 \r\ncontent-length: 0\r\n\r\n")
        #expect(
            try h1Response([(":status", "200")], upgrades: true)
                == "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        #expect(try h1Response([(":status", "403")], ends: true, upgrades: true) == "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
    }

    private func h2(_ text: String, asWebSocket: Bool = false) -> [String]? {
        let (list, bytes) = (H2FieldList(), Array(text.utf8))
        return bytes.withUnsafeBytes {
            H2Writing.request($0, scheme: "https", asWebSocket: asWebSocket, into: list) ? HTTPTests.text(list) : nil
        }
    }

    @Test("a rewritten HTTP/1.1 request becomes fields without what is between neighbours")
    func toRequestFields() throws {
        let begin = [":method=GET", ":scheme=https", ":authority=a"]
        #expect(
            h2("GET /p?q HTTP/1.1\r\nHost: a\r\nX-One: 1 \r\nKeep-Alive: 5\r\nX_A:\t2\r\n\r\n") == begin + [
                ":path=/p?q", "x-one=1", "x_a=2",
            ])
        #expect(
            h2("GET / HTTP/1.1\r\nx:\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n") == begin + [":path=/", "x=", "te=trailers"])
        #expect(h2("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n") == begin + [":path=/"])
        #expect(
            h2("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n")
                == [":method=POST", ":scheme=https", ":authority=a", ":path=/", "expect=100-continue"])
        #expect(h2("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == [":method=OPTIONS", ":scheme=https", ":authority=a", ":path=*"])
        #expect(h2("GET / HTTP/1.1\r\nX: 1\r\n\r\n") == [":method=GET", ":scheme=https", ":path=/", "x=1"])
        let chat =
            "GET /c HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n"
            + "Content-Length: 0\r\n\r\n"
        #expect(
            h2(chat, asWebSocket: true)
                == [":method=CONNECT", ":protocol=websocket", ":scheme=https", ":authority=a", ":path=/c", "sec-websocket-version=13"])
        let plain = try #require(h2(chat))
        #expect(plain.contains(":method=GET") && plain.contains("sec-websocket-key=k") && plain.contains("content-length=0"))
        #expect(!plain.contains { $0.hasPrefix("upgrade") })
    }

    @Test(
        "what is no head is not sent",
        arguments: [
            "", "GET", "GET /", "GET  HTTP/1.1\r\n\r\n", "GET a HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nX: 1", "GET / HTTP/1.1\r\nX",
            "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nX: 1\r\n\r",
        ])
    func noHead(text: String) {
        #expect(h2(text) == nil)
    }

    @Test("a list holds more than it has room for at first, and copies that outlive what they were made of")
    func manyFields() {
        let list = H2FieldList()
        for index in 0..<100 {
            Array("Name-\(index)".utf8).withUnsafeBytes { name in
                [UInt8](repeating: 0x78, count: index * 10).withUnsafeBytes { list.add(name, $0) }
            }
        }
        let again = H2FieldList()
        let kept = list.keep()
        list.removeAll()
        list.add("x", "1")
        #expect(text(list) == ["x=1"])
        again.restore(kept)
        #expect(text(again) == (0..<100).map { "name-\($0)=" + String(repeating: "x", count: $0 * 10) })
        again.removeAll()
        H2FieldList.drop(kept)
    }

    @Test("an HTTP/1.1 response becomes fields without its framing")
    func toResponseFields() {
        func h2(_ text: String, length: Int? = nil) -> [String] {
            let (list, bytes) = (H2FieldList(), Array(text.utf8))
            return bytes.withUnsafeBytes { buffer in
                guard let response = H2Writing.response(buffer, into: list), response.length == length ?? buffer.count else { return [] }
                return HTTPTests.text(list)
            }
        }
        #expect(
            h2("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: a\r\nset-cookie: b\r\nConnection: close\r\n\r\n")
                == [":status=200", "content-length=3", "set-cookie=a", "set-cookie=b"])
        #expect(h2("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n") == [":status=200", "trailer=x"])
        #expect(h2("HTTP/1.1 404 \r\nX: 1\r\n\r\nbody: no field\r\n", length: 23) == [":status=404", "x=1"])
        #expect(h2("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") == [":status=103", "link=x"])
        #expect(h2("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n") == [":status=204"])
        #expect(
            h2(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: k\r\n"
                    + "Sec-WebSocket-Protocol: chat\r\n\r\n") == [":status=200", "sec-websocket-protocol=chat"])
        #expect(h2("HTTP/1.1 200 OK\r\nX: 1\r\n").isEmpty)
        #expect(h2("HTTP/1.1 2").isEmpty)
    }

    @Test("trailers travel both ways, but for fields that may not stand there")
    func trailers() {
        let bytes = Array("Grpc-Status:  0 \r\nContent-Length: 5\r\nX: \r\n\r\n".utf8)
        let out = H2FieldList()
        bytes.withUnsafeBytes { H2Writing.trailers($0, ByteRange(start: 0, end: UInt32(bytes.count)), into: out) }
        #expect(text(out) == ["grpc-status=0", "x="])
    }

    @Test("a head for which there is no room is told as such")
    func noRoom() throws {
        let server = try Shore(.server)
        var answers: [Int?] = []
        server.onEvent = { shore, event in
            guard case .request(_, let head) = event else { return }
            for room in [0, 1, 31, 32, 33] {
                var bytes = [UInt8](repeating: 0, count: room)
                answers.append(
                    bytes.withUnsafeMutableBytes { H1Writing.request(shore.session.heads[head], of: shore.session.heads, into: $0) })
            }
        }
        server.feed(Frames.hello + Frames.headers(1))
        #expect(answers == [nil, nil, nil, 32, 32])
    }
}
