import Testing

@testable import HTTP

@Suite("RFC 9112 §6: the length of a request's body")
struct RequestFramingTests {
    private func verdict(_ lines: String, version: String = "1.1") -> Verdict {
        requestVerdict("POST / HTTP/\(version)\r\nHost: a\r\n\(lines)\r\n\r\n")
    }

    private func framing(_ lines: String) -> BodyFraming? { parse("POST / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n")?.head.framing }

    @Test("one Content-Length, or one chunked, or neither")
    func legal() {
        #expect(framing("X: 1") == BodyFraming.none)
        #expect(framing("Content-Length: 0") == .length(0))
        #expect(framing("Content-Length:\t0042 ") == .length(42))
        #expect(framing("Content-Length: 9223372036854775807") == .length(UInt64(Int64.max)))
        #expect(framing("Transfer-Encoding: chunked") == .chunked)
        #expect(framing("transfer-encoding: Chunked\t") == .chunked)
    }

    @Test(
        "§6.3: a Content-Length that is not one number is refused",
        arguments: [
            "", "+1", "-1", "1 ", "1,1", "1, 1", "1,2", "0x10", "1e3", "1.0", "1_0", "a", "1a", "1 1", "1;", "\"1\"", "9223372036854775808",
            "18446744073709551616", "99999999999999999999", "00000000000000000001", "1\t1", "١",
        ])
    func lengths(value: String) {
        let isTrimmed = value == "1 "
        #expect(verdict("Content-Length: \(value)") == refused(.invalidContentLength) || isTrimmed)
        #expect(
            responseVerdict(Array("HTTP/1.1 200 OK\r\nContent-Length: \(value)\r\n\r\n".utf8)) == refused(.invalidContentLength)
                || isTrimmed)
    }

    @Test("§6.3: two Content-Length fields are refused, equal or not")
    func repeated() {
        for lines in ["Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1\r\nX: 1\r\ncontent-length: 2"] {
            #expect(verdict(lines) == refused(.invalidContentLength))
        }
    }

    @Test("§6.3: Content-Length beside Transfer-Encoding is refused, in either order")
    func both() {
        #expect(verdict("Content-Length: 1\r\nTransfer-Encoding: chunked") == refused(.conflictingFraming))
        #expect(verdict("Transfer-Encoding: chunked\r\nX: 1\r\nContent-Length: 0") == refused(.conflictingFraming))
    }

    @Test(
        "§6.1: a Transfer-Encoding that does not end in one plain chunked gets 400",
        arguments: [
            "", ",", "chunked, gzip", "chunked, chunked", "chunked,identity", "chunked;q=1", "chunked;", "\"chunked\"",
            "gzip, chunked, gzip",
            "chunked, chunked, chunked", "chunked,", ",chunked", "chunked chunked", "gzip;q=1, chunked", "ch unked",
        ])
    func broken(value: String) {
        #expect(verdict("Transfer-Encoding: \(value)") == refused(.unsupportedTransferEncoding))
    }

    @Test(
        "§6.1: a coding that is not known gets 501",
        arguments: ["gzip", "gzip, chunked", "identity", "xchunked", "chunkedx", "cow", "gzip, deflate"])
    func unknown(value: String) {
        #expect(verdict("Transfer-Encoding: \(value)") == refused(.unsupportedTransferEncoding, 501))
    }

    @Test("§6.1: Transfer-Encoding twice, or in 1.0, is refused")
    func misplaced() {
        #expect(verdict("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") == refused(.unsupportedTransferEncoding))
        #expect(verdict("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity") == refused(.unsupportedTransferEncoding))
        #expect(verdict("Transfer-Encoding: chunked", version: "1.0") == refused(.unsupportedTransferEncoding))
    }
}

@Suite("RFC 9112 §4 and §6.3: responses")
struct ResponseTests {
    @Test("a plain response is taken apart")
    func plain() throws {
        let head = try #require(response("HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello"))
        #expect(head.status == 404 && head.reason == ByteRange(start: 13, end: 22) && head.framing == .length(5))
        #expect(head.isPersistent && head.has(.server) && head.fieldsStart == 24 && head.length == 56)
    }

    @Test(
        "a status line of the wild passes",
        arguments: ["HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 200 OK", "HTTP/1.1 599 \té x", "HTTP/1.1 100  two"])
    func legalLines(line: String) {
        #expect(response(line + "\r\n\r\n") != nil)
    }

    @Test(
        "a malformed status line is refused",
        arguments: [
            "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/1.1 099 OK", "HTTP/1.1 600 OK", "HTTP/1.1 000 OK",
            "HTTP/1.1 +20 OK",
            "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200 a\u{0}b", "HTTP/1.1 200 a\rb", "HTTP/1.1 200 OK\n", "HTTP/1.1200 OK",
            "ICY 200 OK, then",
            "\r\nHTTP/1.1 200 OK", " HTTP/1.1 200 OK", "http/1.1 200 OK", "HTTP/1.x 200 OK", "HTTP/11 200 OKOK", "HTTP/1.1 2x0 OK",
            "HTTP/1.1 200X", "5", "HTTP-1.1",
        ])
    func malformedLines(line: String) {
        #expect(responseVerdict(Array("\(line)\r\nContent-Length: 0\r\n\r\n".utf8)) == refused(.malformedStatusLine))
    }

    @Test("another version is refused", arguments: ["HTTP/2.0", "HTTP/1.2", "HTTP/0.9"])
    func versions(version: String) {
        #expect(responseVerdict(Array("\(version) 200 OK\r\n\r\n".utf8)) == refused(.unsupportedVersion, 505))
    }

    @Test("§6.3: what delimits the body")
    func framing() {
        func framing(_ status: Int, _ line: String, to method: HTTP.Method = .get) -> BodyFraming? {
            response("HTTP/1.1 \(status) X\r\n\(line)\r\n\r\n", to: method)?.framing
        }
        #expect(framing(200, "X: 1") == .untilClose)
        #expect(framing(200, "Content-Length: 0") == .length(0))
        #expect(framing(200, "Transfer-Encoding: chunked") == .chunked)
        for status in [100, 101, 103, 199, 204, 304] {
            for line in ["X: 1", "Content-Length: 5", "Transfer-Encoding: chunked"] { #expect(framing(status, line) == BodyFraming.none) }
        }
        for line in ["X: 1", "Content-Length: 5", "Transfer-Encoding: chunked"] {
            #expect(framing(200, line, to: .head) == BodyFraming.none)
        }
    }

    @Test("§6.3: ambiguous framing is refused, also where there is no body")
    func ambiguous() {
        for (line, reason) in [
            ("Content-Length: 1\r\nTransfer-Encoding: chunked", HTTPError.Reason.conflictingFraming),
            ("Content-Length: 1\r\nContent-Length: 1", .invalidContentLength),
            ("Transfer-Encoding: chunked, chunked", .unsupportedTransferEncoding),
        ] {
            for status in [200, 204, 304] {
                #expect(responseVerdict(Array("HTTP/1.1 \(status) X\r\n\(line)\r\n\r\n".utf8)) == refused(reason))
            }
            #expect(responseVerdict(Array("HTTP/1.1 200 X\r\n\(line)\r\n\r\n".utf8), to: .head) == refused(reason))
        }
        #expect(
            responseVerdict(Array("HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n".utf8)) == refused(.unsupportedTransferEncoding, 501))
        #expect(
            responseVerdict(Array("HTTP/1.0 200 X\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)) == refused(.unsupportedTransferEncoding))
    }

    @Test("§9.3: the upstream's connection is kept only when the end of the message is sure")
    func persistence() {
        func isPersistent(_ line: String, _ version: String = "1.1", status: Int = 200) -> Bool? {
            response("HTTP/\(version) \(status) X\r\n\(line)\r\n\r\n")?.isPersistent
        }
        #expect(isPersistent("Content-Length: 0") == true && isPersistent("Content-Length: 0\r\nConnection: close") == false)
        #expect(isPersistent("X: 1") == false && isPersistent("X: 1", status: 204) == true)
        #expect(
            isPersistent("Content-Length: 0", "1.0") == false && isPersistent("Content-Length: 0\r\nConnection: keep-alive", "1.0") == true)
        #expect(isPersistent("Content-Length: 3", status: 204) == false && isPersistent("Content-Length: 0", status: 204) == true)
        #expect(isPersistent("Transfer-Encoding: chunked", status: 204) == false && isPersistent("Content-Length: 3", status: 304) == true)
    }

    @Test("limits hold for responses too")
    func limits() {
        let long = Array(("HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 99)).utf8)
        #expect(responseVerdict(long, limits: HeadLimits(bytes: 64, fields: 9)) == refused(.headTooLarge, 431))
        #expect(
            responseVerdict(Array("HTTP/1.1 200 OK\r\nA: 1\r\nB: 1\r\n\r\n".utf8), limits: HeadLimits(bytes: 64, fields: 1))
                == refused(.tooManyFields, 431))
    }

    @Test("hop-by-hop fields of a response are marked")
    func hopByHop() throws {
        let head = try #require(response("HTTP/1.1 200 OK\r\nConnection: x-a\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n"))
        #expect(head.hasHopByHop && head.namesFields)
    }

    @Test("a status has the RFC's phrase, an unknown one none")
    func phrases() {
        #expect(Status.reasonPhrase(431).description == "Request Header Fields Too Large" && Status.reasonPhrase(299).description.isEmpty)
    }
}
