@testable internal import CLI
internal import TestSupport
internal import Testing

/// The client against a socket that answers what the test wants.
@Suite struct AdminClientTests {
    private func ask(_ answer: String, hangs: Bool = false, within limit: Duration = .seconds(5)) throws -> AdminClient.Reply {
        let admin = try FakeAdmin { _ in .init(raw: answer, hangs: hangs) }
        return try AdminClient(path: admin.path, deadline: .now + limit).send(AdminRequest("GET", "/v1/status"))
    }

    @Test(
        "an answer is read to its end, however it is framed",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 200 OK\r\n\r\nhi",
            "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi and more",
            "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\nTrailer: x\r\n\r\n",
        ])
    func whole(answer: String) throws {
        let reply = try ask(answer)
        #expect(reply.status == 200)
        #expect(reply.body == Array("hi".utf8))
    }

    @Test("an answer reads the same in pieces of any size", arguments: 1...7)
    func pieces(size: Int) throws {
        let bytes = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA\r\n, and more\r\n0\r\n\r\n".utf8)
        var reader = ReplyReader()
        var body: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            body += try reader.read(Array(bytes[start..<min(bytes.count, start + size)]))
        }
        #expect(reader.isComplete)
        #expect(String(decoding: body, as: UTF8.self) == "hello, and more")
    }

    @Test("an answer with a length does not wait for the end of the connection")
    func keptOpen() throws {
        #expect(try ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", hangs: true).body == Array("hi".utf8))
    }

    @Test(
        "what is no answer is refused",
        arguments: [
            "", "garbage", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 x\r\n\r\n", "SSH-2.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
        ])
    func malformed(answer: String) {
        #expect(throws: AdminFailure.malformed) { try ask(answer) }
    }

    @Test("an answer that does not come costs the deadline")
    func silent() {
        #expect(throws: AdminFailure.timedOut) { try ask("HTTP/1.1 200", hangs: true, within: .milliseconds(100)) }
    }

    @Test("nobody there is said with the reason")
    func nobody() throws {
        let folder = try TemporaryFolder()
        let absent = AdminClient(path: folder["a.sock"], deadline: .now + .seconds(1))
        #expect(throws: AdminFailure.notReachable("No such file or directory")) { try absent.send(AdminRequest("GET", "/")) }
        let long = AdminClient(path: String(repeating: "x", count: 200), deadline: .now + .seconds(1))
        #expect(throws: AdminFailure.self) { try long.send(AdminRequest("GET", "/")) }
    }
}
