import Testing

@testable import HTTP

@Suite("RFC 9112 §3.2 and RFC 9110 §7.2: Host")
struct HostTests {
    private func verdict(_ value: String) -> Verdict { requestVerdict("GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n") }

    @Test(
        "a valid Host passes",
        arguments: [
            ("a", "a"), ("a.test", "a.test"), ("A.Test:80", "A.Test"), ("a:", "a"), ("a:65535", "a"), ("127.0.0.1:8080", "127.0.0.1"),
            ("[::1]", "[::1]"), ("[::]:80", "[::]"), ("[2001:db8::1]:443", "[2001:db8::1]"), ("[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"),
            ("[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]"), ("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]"),
            ("[1:2:3:4:5:6:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]"),
            ("a_b~c!$&'()*+;=-", "a_b~c!$&'()*+;=-"), ("%41b", "%41b"), ("xn--caf-dma.test", "xn--caf-dma.test"),
        ])
    func valid(value: String, host: String) throws {
        let request = try #require(parse("GET / HTTP/1.1\r\nHost: \(value)\r\n\r\n"))
        #expect(request.text(request.head.host) == host && request.text(request.head.authority) == value)
    }

    @Test(
        "an invalid Host is refused",
        arguments: [
            "", "a b", "a/b", "a,b", "u@a", "u:p@a", "a?b", "a#b", "a\\b", "\"a\"", "<a>", "é", "a:b", "a:-1", "a:+1", "a:65536",
            "a:000000",
            "a:80:80", ":80", "[", "[]", "]", "[::1", "::1", "[::1]a", "[::1]a:80", "[::1]:x", "[:::1]", "[1::2::3]", "[1:2:3:4:5:6:7]",
            "[:1:2:3:4:5:6:7:8]",
            "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[1:2:3:4:5:6:7:]", "[12345::]", "[g::]", "[::1.2.3]", "[::1.2.3.256]",
            "[::1.2.3.4.5]",
            "[::01.2.3.4]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::1%25eth0]", "[v1.a]", "%4", "%zz", "a%", "{a}", "a|b", "a^b", "a`b",
        ])
    func invalid(value: String) {
        #expect(verdict(value) == refused(.invalidHost))
        #expect(requestVerdict("GET / HTTP/1.0\r\nHost: \(value)\r\n\r\n") == refused(.invalidHost), "in 1.0 too")
    }

    @Test("none in 1.1 and two of them are refused; 1.0 may leave it out")
    func count() throws {
        #expect(requestVerdict("GET / HTTP/1.1\r\n\r\n") == refused(.missingHost))
        #expect(requestVerdict("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n") == refused(.duplicateHost))
        #expect(requestVerdict("GET http://a/ HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n") == refused(.duplicateHost))
        #expect(try #require(parse("GET / HTTP/1.0\r\n\r\n")).head.authority.isEmpty)
    }
}
