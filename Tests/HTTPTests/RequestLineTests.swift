import Testing

@testable import HTTP

@Suite("RFC 9112 §3: the request line")
struct RequestLineTests {
    @Test("a plain request is taken apart without copying")
    func plain() throws {
        let request = try #require(parse("GET /a/b?c=d HTTP/1.1\r\nHost: shop.test:8080\r\nX-A:  one \t\r\nx-b:\r\n\r\nrest"))
        #expect(request.head.method == .get && request.text(request.head.methodRange) == "GET")
        #expect(request.text(request.head.target) == "/a/b?c=d")
        #expect(request.text(request.head.pathAndQuery) == "/a/b?c=d" && request.text(request.head.path) == "/a/b")
        #expect(request.text(request.head.authority) == "shop.test:8080" && request.text(request.head.host) == "shop.test")
        #expect(request.head.minorVersion == 1 && request.head.isPersistent && request.head.framing == .none)
        #expect(request.fields.count == 3 && request.fields[0].name == .host && request.fields[1].name == .other)
        #expect(request.text(request.fields[1].value) == "one" && request.text(request.fields[1].nameRange) == "X-A")
        #expect(request.text(request.fields[1].line) == "X-A:  one \t\r\n" && request.fields[2].value.isEmpty)
        #expect(request.head.fieldsStart == 23 && request.head.length == request.bytes.count)
        #expect(request.head.has(.host) && !request.head.has(.cookie) && !request.head.hasHopByHop)
    }

    @Test(
        "a malformed request line is refused",
        arguments: [
            "GET  / HTTP/1.1\r\n", "GET /  HTTP/1.1\r\n", "GET / HTTP/1.1 \r\n", " GET / HTTP/1.1\r\n", "GET\t/ HTTP/1.1\r\n",
            "GET /\tHTTP/1.1\r\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\r\n", "GET / HTTP/1.1\rX", "GET /\r\n", "GET /a b HTTP/1.1\r\n",
            "GET /\u{e9} HTTP/1.1\r\n", "GET /\u{0} HTTP/1.1\r\n", "GET /\u{7f} HTTP/1.1\r\n", "GET /#top HTTP/1.1\r\n",
            "GET  HTTP/1.1\r\n", "G@T / HTTP/1.1\r\n", "G\u{e9}T / HTTP/1.1\r\n", "\nGET / HTTP/1.1\r\n", "\r\n\nGET / HTTP/1.1\r\n",
            "\rGET / HTTP/1.1\r\n", "GET a HTTP/1.1\r\n", "GET * HTTP/1.1\r\n", "OPTIONS *a HTTP/1.1\r\n", "GET ?a HTTP/1.1\r\n",
            "GET ftp://a/ HTTP/1.1\r\n", "GET http:/a/ HTTP/1.1\r\n", "GET a.test:80 HTTP/1.1\r\n",
            "CONNECT a.test: HTTP/1.1\r\n", "CONNECT a.test HTTP/1.1\r\n", "GET / HTTP/1.1HTTP/1.1\r\n", "GET /: HTTP/1.1;\r\n",
        ])
    func malformed(line: String) {
        #expect(requestVerdict(line + "Host: a\r\n\r\n") == refused(.malformedRequestLine))
    }

    @Test(
        "§2.3: a version that is not spelled exactly is malformed",
        arguments: [
            "http/1.1", "HTTP/1.10", "HTTP/01.1", "HTTP/1,1", "HTTP/1", "HTTP/1.", "HTTP /1.1", "Http/1.1", "HTTP/x.y", "HTTP/1.1x",
        ])
    func misspelled(version: String) {
        #expect(requestVerdict("GET / \(version)\r\nHost: a\r\n\r\n") == refused(.malformedRequestLine))
    }

    @Test("§2.3: another version gets 505", arguments: ["HTTP/2.0", "HTTP/1.2", "HTTP/1.9", "HTTP/0.9", "HTTP/3.0"])
    func unsupported(version: String) {
        #expect(requestVerdict("GET / \(version)\r\nHost: a\r\n\r\n") == refused(.unsupportedVersion, 505))
    }

    @Test("§2.2: a few empty lines before the request line are skipped and counted in the head's length")
    func leadingEmptyLines() throws {
        let text = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(try #require(parse(text)).head.length == text.utf8.count)
        #expect(requestVerdict(String(repeating: "\r\n", count: 5) + text) == refused(.malformedRequestLine))
    }

    @Test("RFC 9110 §9: methods are case-sensitive, unknown ones travel on, over-long ones get 501")
    func methods() throws {
        for (name, method) in [
            ("GET", Method.get), ("HEAD", .head), ("POST", .post), ("PUT", .put), ("DELETE", .delete), ("OPTIONS", .options),
            ("TRACE", .trace), ("PATCH", .patch), ("get", .other), ("BREW", .other), ("GETS", .other), ("M-SEARCH", .other), ("X", .other),
        ] {
            let request = try #require(parse("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n"))
            #expect(request.head.method == method && request.text(request.head.methodRange) == name)
            #expect(Array(name.utf8).withUnsafeBytes(Method.lookup) == method)
        }
        let long = String(repeating: "A", count: 33)
        #expect(requestVerdict("\(long) / HTTP/1.1\r\nHost: a\r\n\r\n") == refused(.malformedRequestLine, 501))
    }

    @Test("§3.2.2: absolute-form: its authority rules over Host, its path goes upstream")
    func absoluteForm() throws {
        let request = try #require(parse("GET HTTP://real.test:81/x?y HTTP/1.1\r\nHost: other.test\r\n\r\n"))
        #expect(request.head.isAbsoluteForm && request.text(request.head.authority) == "real.test:81")
        #expect(request.text(request.head.host) == "real.test" && request.text(request.head.pathAndQuery) == "/x?y")
        #expect(request.text(request.head.path) == "/x")
        let bare = try #require(parse("GET https://real.test HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(bare.head.pathAndQuery.isEmpty && bare.text(bare.head.authority) == "real.test")
        #expect(requestVerdict("GET http://real.test/ HTTP/1.1\r\n\r\n") == refused(.missingHost))
        #expect(requestVerdict("GET http://real.test/ HTTP/1.1\r\nHost: a b\r\n\r\n") == refused(.invalidHost))
        for authority in ["", "u@h", "u:p@h", "h:x", "[::1", "a,b", ":80"] {
            #expect(requestVerdict("GET http://\(authority)/ HTTP/1.1\r\nHost: a\r\n\r\n") == refused(.invalidHost), "\(authority)")
        }
    }

    @Test("§3.2.3 and §3.2.4: authority-form is CONNECT's, asterisk-form is OPTIONS's")
    func otherForms() throws {
        let connect = try #require(parse("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"))
        #expect(connect.head.method == .connect && connect.text(connect.head.host) == "a.test" && connect.head.pathAndQuery.isEmpty)
        let options = try #require(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(options.head.isAsterisk && options.text(options.head.pathAndQuery) == "*")
        #expect(try #require(parse("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n")).head.isAsterisk)
    }

    @Test("limits: a long request line gets 414, a long head 431, too many fields 431")
    func limits() {
        let tight = HeadLimits(bytes: 64, fields: 2)
        let path = String(repeating: "a", count: 80)
        #expect(requestVerdict("GET /\(path) HTTP/1.1\r\nHost: a\r\n\r\n", limits: tight) == refused(.targetTooLong, 414))
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\nX: \(path)\r\n\r\n", limits: tight) == refused(.headTooLarge, 431))
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n", limits: tight) == refused(.tooManyFields, 431))
        let exact = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "b", count: 32) + "\r\n\r\n"
        #expect(exact.utf8.count == 64 && requestVerdict(exact, limits: tight).isAccepted)
        #expect(requestVerdict(exact, limits: HeadLimits(bytes: 63, fields: 2)) == refused(.headTooLarge, 431))
        #expect(requestVerdict(exact, limits: HeadLimits(bytes: -1, fields: -1)) == refused(.targetTooLong, 414))
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\n", limits: roomy) == .needMore)
        #expect(requestVerdict([UInt8]()) == .needMore)
    }
}
