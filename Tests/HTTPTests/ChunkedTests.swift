import Testing

@testable import HTTP

@Suite("RFC 9112 §7.1: chunked bodies")
struct ChunkedTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(
        "a legal body comes out without its framing",
        arguments: [
            ("0\r\n\r\n", "", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello", ""), ("5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", "hello!", ""),
            ("00000000000000A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""), ("a;x\r\n0123456789\r\n0;y=z\r\n\r\n", "0123456789", ""),
            ("1;a=b;c=\"d;\\\"e \tf\";g\r\nx\r\n0\r\n\r\n", "x", ""), ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""),
            ("1\r\nx\r\n0\r\nA: 1\r\nB:\r\n\r\n", "x", "A: 1\r\nB:\r\n"),
        ])
    func legal(body: String, data: String, trailers: String) {
        let (verdict, dechunked) = dechunk(body + "GET /next")
        #expect(verdict.isAccepted && text(dechunked.data) == data && text(dechunked.trailers) == trailers)
        #expect(dechunked.length == body.utf8.count)
    }

    @Test(
        "a malformed size line or data end is refused",
        arguments: [
            "\r\n", " 5\r\nhello", "5 \r\nhello", "5\nhello", "+5\r\nhello", "-5\r\nhello", "0x5\r\nhello", "5h\r\nhello", "g\r\n",
            "5\rhello",
            "5\r\r\nhello", ";a\r\n", "5;\r\nhello", "5; a\r\nhello", "5 ;a\r\nhello", "5;a \r\nhello", "5;a=\r\nhello", "5;a==b\r\nhello",
            "5;a=\"b\r\nhello",
            "5;a=\"b\"c\r\nhello", "5;a=b\nhello", "5;a\u{0}\r\nhello", "5;=b\r\nhello", "5;;\r\nhello", "5;a=\"\u{1}\"\r\nhello",
            "5,5\r\nhello",
            "5\r\nhelloX", "5\r\nhello\n", "5\r\nhello\rX", "5\r\nhello\r\r\n", "5\r\nhello0\r\n\r\n", "8000000000000000\r\n",
            "ffffffffffffffff\r\n",
            "00000000000000001\r\n", "10000000000000000\r\n", "\u{e9}\r\n", "5\r\nhello\r\n\r\n", "5\r\nhello\r\n 0\r\n\r\n",
            "0;\"a\"\r\n\r\n", "5\u{b}\r\nhello",
        ])
    func malformed(body: String) {
        #expect(dechunk(body + "\r\n\r\n").verdict == refused(.malformedChunk))
    }

    @Test("the largest chunk is a signed word's")
    func largest() {
        #expect(dechunk("7fffffffffffffff\r\nx").verdict == .needMore)
        #expect(dechunk("7FFFFFFFFFFFFFFF\r\nx").body.data == [0x78])
    }

    @Test(
        "RFC 9112 §7.1.2: a malformed trailer section is refused",
        arguments: [
            "A : 1\r\n\r\n", " A: 1\r\n\r\n", "A: 1\r\n b\r\n\r\n", "A\r\n\r\n", "A: 1\n\r\n", "\n", "\rX", "A: \u{0}\r\n\r\n",
            ": 1\r\n\r\n", "A: a\rb\r\n\r\n",
        ])
    func malformedTrailers(section: String) {
        #expect(dechunk("0\r\n" + section).verdict == refused(.malformedTrailer))
    }

    @Test("trailers stop at the limits of a head")
    func trailerLimits() {
        let limits = HeadLimits(bytes: 20, fields: 2)
        #expect(dechunk("0\r\nA: 1\r\nB: 1\r\n\r\n", limits: limits).verdict.isAccepted)
        #expect(dechunk("0\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n", limits: limits).verdict == refused(.malformedTrailer, 431))
        #expect(dechunk("0\r\nA: 1234567890123456\r\n\r\n", limits: limits).verdict == refused(.malformedTrailer, 431))
        let bytes = Array("0\r\nA: 1234567890123456\r\n\r\n".utf8)
        #expect(dechunk(bytes, cuts: Array(0..<bytes.count), limits: limits).verdict == refused(.malformedTrailer, 431))
    }

    @Test("extensions are paid for with body bytes")
    func extensions() {
        let long = String(repeating: "x", count: 4000)
        #expect(dechunk("1;\(long)\r\na\r\n0\r\n\r\n").verdict.isAccepted)
        #expect(dechunk("1;\(long)\r\na\r\n1;\(long)\r\na\r\n0\r\n\r\n").verdict == refused(.malformedChunk))
        let body = String(repeating: "b", count: 4096)
        #expect(dechunk("1000;\(long)\r\n\(body)\r\n1;\(long)\r\na\r\n0\r\n\r\n").verdict.isAccepted)
        let endless = Array(("1;" + String(repeating: "x", count: 5000)).utf8)
        #expect(dechunk(endless, cuts: Array(0..<endless.count)).verdict == refused(.malformedChunk))
    }

    @Test("a finished decoder takes nothing more")
    func finished() throws {
        var (decoder, bytes) = (ChunkedDecoder(), Array("0\r\n\r\n".utf8))
        let first = try bytes.withUnsafeMutableBytes { try decoder.decode($0, limits: roomy) }
        #expect(first.isFinished && first.consumed == 5)
        let second = try bytes.withUnsafeMutableBytes { try decoder.decode($0, limits: roomy) }
        #expect(second.isFinished && second.consumed == 0 && second.produced == 0)
        let third = try decoder.decode(UnsafeMutableRawBufferPointer(start: nil, count: 0), limits: roomy)
        #expect(third.isFinished && third.trailers.isEmpty)
    }

    @Test("RFC 9110 §6.5.1: what a trailer may carry on")
    func trailerVerdicts() {
        let forwarded = [
            "Grpc-Status", "grpc-message", "X-Sum", "Content-Digest", "Repr-Digest", "Server-Timing", "ETag", "X-Sum-Of-Many-Parts",
        ]
        let dropped = [
            "Content-Length", "Transfer-Encoding", "Host", "Connection", "Trailer", "TE", "Upgrade", "Via", "X-Forwarded-For",
            "X-Forwarded-Port",
            "Authorization", "WWW-Authenticate", "Proxy-Anything", "Cookie", "Set-Cookie", "Cache-Control", "Range", "If-Match", "Expect",
            "Content-Type", "Content-Encoding", "Content-Range", "Vary", "Age", "Expires", "Location", "Retry-After", "Keep-Alive",
            "X-Real-IP",
            "Max-Forwards", "Pragma", "AUTHENTICATION-INFO", "X-Request-Id", "Date",
        ]
        let section = (forwarded + dropped).map { "\($0): 1\r\n" }.joined()
        let bytes = Array(("xx" + section).utf8)
        let verdicts = bytes.withUnsafeBytes { buffer in
            var lines = TrailerLines(buffer, ByteRange(start: 2, end: UInt32(buffer.count)))
            var verdicts: [(String, Bool)] = []
            while let line = lines.next() {
                verdicts.append((text(Array(bytes[Int(line.name.start)..<Int(line.name.end)])), line.mayBeForwarded))
            }
            return verdicts
        }
        #expect(verdicts.filter(\.1).map(\.0) == forwarded)
        #expect(verdicts.filter { !$0.1 }.map(\.0) == dropped)
    }

    @Test("trailer lines outside the buffer are none")
    func trailerBounds() {
        let bytes = Array("A: 1\r\nB".utf8)
        bytes.withUnsafeBytes { buffer in
            var lines = TrailerLines(buffer, ByteRange(start: 0, end: 99))
            #expect(lines.next()?.line == ByteRange(start: 0, end: 6) && lines.next() == nil)
            var outside = TrailerLines(buffer, ByteRange(start: 50, end: 99))
            #expect(outside.next() == nil)
        }
    }
}
