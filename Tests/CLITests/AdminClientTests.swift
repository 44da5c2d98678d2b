@testable internal import CLI
internal import Glibc
internal import TestSupport
internal import Testing

/// The client against a socket that answers what the test wants.
@Suite struct AdminClientTests {
    private let folder: TemporaryFolder
    private var path: String { folder["a.sock"] }

    init() throws { folder = try TemporaryFolder() }

    private func serve(_ answer: String, hangs: Bool = false) -> Int32 {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #expect(bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0)
            }
        }
        #expect(listen(listener, 4) == 0)
        onOwnThread {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { return }
            var bytes = [UInt8](repeating: 0, count: 4096)
            _ = read(client, &bytes, bytes.count)
            _ = send(client, answer, answer.utf8.count, Int32(MSG_NOSIGNAL))
            // Until the client leaves.
            if hangs { _ = read(client, &bytes, bytes.count) }
            close(client)
        }
        return listener
    }

    private func ask(within limit: Duration = .seconds(5)) throws(AdminClient.Failure) -> AdminClient.Reply {
        try AdminClient(path: path, deadline: .now + limit).send("GET", "/v1/status")
    }

    @Test("an answer is read to its end")
    func whole() throws {
        let listener = serve("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        defer { close(listener) }
        let reply = try ask()
        #expect(reply.status == 200)
        #expect(reply.body == Array("hi".utf8))
    }

    @Test(
        "what is no answer is refused",
        arguments: [
            "", "garbage", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 x\r\n\r\n", "SSH-2.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        ])
    func malformed(answer: String) {
        let listener = serve(answer)
        defer { close(listener) }
        #expect(throws: AdminClient.Failure.malformed) { try ask() }
    }

    @Test("an answer that does not come costs the deadline")
    func silent() {
        let listener = serve("HTTP/1.1 200", hangs: true)
        defer { close(listener) }
        #expect(throws: AdminClient.Failure.timedOut) { try ask(within: .milliseconds(100)) }
    }

    @Test("nobody there is said with the reason")
    func nobody() {
        #expect(throws: AdminClient.Failure.notReachable("No such file or directory")) { try ask() }
        let long = AdminClient(path: String(repeating: "x", count: 200), deadline: .now + .seconds(1))
        #expect(throws: AdminClient.Failure.self) { try long.send("GET", "/") }
    }
}
