import Testing

@testable import HTTP

@Suite("RFC 9112 §5 and RFC 9110 §5: field lines")
struct FieldTests {
    @Test(
        "a malformed field line is refused",
        arguments: [
            "X : 1", "X\t: 1", " X: 1", "\tX: 1", ": 1", "X", "X 1", "X(: 1", "X\u{e9}: 1", "X: 1\r\n folded", "X: 1\r\n\tfolded", "X: 1\n",
            "X: 1\nY: 2", "X: a\rb", "X: a\r\r", "X: \u{0}", "X: a\u{0}b", "X: \u{1}", "X: a\u{7f}", "X: \u{b}chunked", "X: \u{1b}[0m",
            "\"X\": 1", "X,Y: 1", "X;: 1", "X/Y: 1", "X\u{0}: 1", "@: 1", "[X]: 1", "{X}: 1", "X=: 1", "X\r: 1", "\n",
        ])
    func malformed(line: String) {
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\nEnd: 1\r\n\r\n") == refused(.malformedField))
        #expect(requestVerdict("GET / HTTP/1.1\r\n\(line)\r\nHost: a\r\n\r\n") == refused(.malformedField), "as the first line")
        #expect(responseVerdict(Array("HTTP/1.1 200 OK\r\n\(line)\r\nContent-Length: 0\r\n\r\n".utf8)) == refused(.malformedField))
    }

    @Test(
        "a legal field line passes, its value without the white space around it",
        arguments: [
            ("X: 1", "1"), ("X:1", "1"), ("X: \t 1\t ", "1"), ("X:", ""), ("X:   ", ""), ("X: a\tb  c", "a\tb  c"), ("X: é", "é"),
            ("!#$%&'*+-.^_`|~09azAZ: :", ":"), ("a-very-long-name-with_under.scores-and-digits-0123456789: x", "x"),
            ("X: a\tb\tc\td\te", "a\tb\tc\td\te"),
        ])
    func legal(line: String, value: String) throws {
        let request = try #require(parse("GET / HTTP/1.1\r\nHost: a\r\n\(line)\r\n\r\n"))
        #expect(request.text(request.fields[1].value) == value && request.text(request.fields[1].line) == line + "\r\n")
    }

    @Test("every byte has the same verdict at every place of a word-wise scan")
    func everyByte() {
        let legalValue: (UInt8) -> Bool = { $0 == 9 || ($0 >= 0x20 && $0 != 0x7f) }
        let legalTarget: (UInt8) -> Bool = { $0 > 0x20 && $0 < 0x7f && $0 != 0x23 }
        let symbols = Array("!#$%&'*+-.^_`|~".utf8)
        let legalName: (UInt8) -> Bool = {
            ($0 >= 0x30 && $0 <= 0x39) || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a && $0 < 0x80) || symbols.contains($0)
        }
        for byte in UInt8.min...UInt8.max {
            for before in 0..<17 {
                let filling = [UInt8](repeating: 0x61, count: before)
                let value = Array("GET / HTTP/1.1\r\nHost: a\r\nX: ".utf8) + filling + [byte] + Array("b\r\n\r\n".utf8)
                #expect(requestVerdict(value).isAccepted == legalValue(byte), "value \(byte) behind \(before)")
                let name = Array("GET / HTTP/1.1\r\nHost: a\r\nX".utf8) + filling + [byte] + Array("b: 1\r\n\r\n".utf8)
                // A colon ends the name; the rest is then the value.
                #expect(requestVerdict(name).isAccepted == (legalName(byte) || byte == 0x3a), "name \(byte) behind \(before)")
                let target = Array("GET /".utf8) + filling + [byte] + Array("b HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                #expect(requestVerdict(target).isAccepted == legalTarget(byte), "target \(byte) behind \(before)")
            }
        }
    }

    @Test("names are recognised in any case, near misses are not")
    func lookup() {
        let known: [(String, FieldName)] = [
            ("connection", .connection), ("keep-alive", .keepAlive), ("proxy-connection", .proxyConnection), ("te", .te),
            ("trailer", .trailer),
            ("transfer-encoding", .transferEncoding), ("content-length", .contentLength), ("upgrade", .upgrade), ("host", .host),
            ("expect", .expect), ("via", .via), ("forwarded", .forwarded), ("x-forwarded-for", .xForwardedFor),
            ("x-forwarded-proto", .xForwardedProto), ("x-forwarded-host", .xForwardedHost), ("x-request-id", .xRequestId), ("date", .date),
            ("max-forwards", .maxForwards), ("http2-settings", .http2Settings), ("proxy-authenticate", .proxyAuthenticate),
            ("proxy-authorization", .proxyAuthorization), ("proxy-authentication-info", .proxyAuthenticationInfo), ("cookie", .cookie),
            ("set-cookie", .setCookie), ("accept", .accept), ("user-agent", .userAgent), ("referer", .referer), ("server", .server),
            ("location", .location), ("content-type", .contentType), ("content-encoding", .contentEncoding), ("traceparent", .traceparent),
        ]
        for (text, name) in known {
            let bytes = Array(text.utf8)
            #expect(bytes.withUnsafeBytes(FieldName.lookup) == name)
            #expect(Array(text.uppercased().utf8).withUnsafeBytes(FieldName.lookup) == name)
            #expect((bytes + [0x78]).withUnsafeBytes(FieldName.lookup) == .other)
            #expect(bytes.dropLast().withUnsafeBytes(FieldName.lookup) == .other)
            for index in bytes.indices {
                for bit in 0..<8 where bit != 5 || bytes[index] < 0x61 {
                    var changed = bytes
                    changed[index] ^= 1 << UInt8(bit)
                    #expect(changed.withUnsafeBytes(FieldName.lookup) != name, "\(text) with bit \(bit) of byte \(index) turned")
                }
            }
        }
    }
}

@Suite("RFC 9110 §7.6.1: hop-by-hop fields")
struct HopByHopTests {
    private func hopByHop(_ lines: String) -> [String]? { parse("GET / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n")?.hopByHop }

    @Test("the static list is marked without being named, end-to-end fields are not")
    func staticList() {
        let lines = "Keep-Alive: 1\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: x\r\nHTTP2-Settings: x\r\nProxy-Authorization: x"
        #expect(
            hopByHop(lines + "\r\nTrailer: x\r\nContent-Length: 0\r\nX: 1")?.joined(separator: " ")
                == "Keep-Alive Proxy-Connection TE Upgrade HTTP2-Settings Proxy-Authorization")
    }

    @Test("a named field is marked, in any case, each time it occurs, wherever it stands")
    func nominated() throws {
        #expect(
            hopByHop("x-SECRET: 1\r\nConnection: close , X-Secret,,x-none\r\nX-Secret: 2\r\nX-Secret2: 3") == [
                "x-SECRET", "Connection", "X-Secret",
            ])
        #expect(hopByHop("Cookie: a\r\nConnection: cookie") == ["Cookie", "Connection"])
        #expect(hopByHop("Connection: a\r\nConnection: b\r\nA: 1\r\nB: 2") == ["Connection", "Connection", "A", "B"])
        #expect(try #require(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\n\r\n")).head.namesFields)
        #expect(try !#require(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close, TE\r\n\r\n")).head.namesFields)
    }

    @Test("framing, routing and the trace of hops cannot be named away")
    func protected() {
        let names = ["Host", "Content-Length", "X-Forwarded-For", "Via", "Content-Type", "Forwarded", "Date", "Max-Forwards", "Trailer"]
        for name in names.dropFirst(2) { #expect(hopByHop("\(name): 1\r\nConnection: \(name)") == ["Connection"]) }
        #expect(hopByHop("Content-Length: 1\r\nConnection: content-length, host") == ["Connection"])
        #expect(hopByHop("Transfer-Encoding: chunked\r\nConnection: transfer-encoding") == ["Connection"])
    }

    @Test("an option that is no token is refused, and so is a flood of names")
    func malformed() {
        for value in ["\"x\"", "a b", "keep-alive; x", "a=b", "é"] {
            #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\n") == refused(.malformedField))
        }
        let flood = (0..<65).map { "x\($0)" }.joined(separator: ",")
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\nConnection: \(flood)\r\n\r\n") == refused(.tooManyFields, 431))
    }

    @Test("§9.3 of RFC 9112: who keeps the connection")
    func persistence() throws {
        func isPersistent(_ version: String, _ connection: String?) throws -> Bool {
            let line = connection.map { "Connection: \($0)\r\n" } ?? ""
            return try #require(parse("GET / HTTP/\(version)\r\nHost: a\r\n\(line)\r\n")).head.isPersistent
        }
        #expect(try isPersistent("1.1", nil) && isPersistent("1.1", "keep-alive") && isPersistent("1.1", "x"))
        #expect(try !isPersistent("1.1", "close") && !isPersistent("1.1", "keep-alive, CLOSE"))
        #expect(try !isPersistent("1.0", nil) && isPersistent("1.0", "Keep-Alive") && !isPersistent("1.0", "close, keep-alive"))
    }

    @Test("§7.8: an upgrade is wanted only when named, in 1.1, and not to h2c")
    func upgrade() throws {
        func wants(_ version: String, _ lines: String) throws -> Bool {
            try #require(parse("GET / HTTP/\(version)\r\nHost: a\r\n\(lines)\r\n\r\n")).head.wantsUpgrade
        }
        #expect(try wants("1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket"))
        #expect(
            try !wants("1.1", "Upgrade: websocket") && !wants("1.1", "Connection: upgrade")
                && !wants("1.1", "Connection: upgrade\r\nUpgrade: "))
        #expect(try !wants("1.0", "Connection: upgrade\r\nUpgrade: websocket"))
        #expect(try !wants("1.1", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA"))
        #expect(try !wants("1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: H2C"))
    }

    @Test("§10.1.1 and §10.1.4: Expect: 100-continue and TE: trailers are noticed")
    func expectAndTE() throws {
        let both = try #require(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nTE: gzip;q=0.5, trailers\r\n\r\n"))
        #expect(both.head.expectsContinue && both.head.acceptsTrailers)
        let neither = try #require(parse("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nTE: gzip\r\n\r\n"))
        #expect(!neither.head.expectsContinue && !neither.head.acceptsTrailers)
        #expect(try !#require(parse("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")).head.expectsContinue)
    }
}
