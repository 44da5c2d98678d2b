@testable internal import ControlPlane
internal import Glibc
internal import Net
internal import Synchronization
internal import Testing

@Suite struct AdminServerTests {
    private let scratch = Scratch()
    private var path: String { scratch["run/admin.sock"] }

    private func limits(_ io: Duration = .seconds(5), connections: Int = 16) -> AdminServer.Limits {
        var limits = AdminServer.Limits()
        limits.io = io
        limits.answer = io
        limits.connections = connections
        return limits
    }

    private let echo: AdminServer.Handler = { request, reply in
        reply(.text("\(request.method) \(request.path)\n", status: 200))
        return nil
    }

    @Test("a request is answered, the connection closed, the socket is for its owner alone")
    func answered() throws {
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        defer { server.stop() }
        let answer = TestSocket.ask(path, "GET /hello HTTP/1.1\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nGET /hello\n"))
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test("garbage, and more than the limit, are refused while others are served")
    func garbage() throws {
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        defer { server.stop() }
        #expect(TestSocket.ask(path, "\u{1}\u{2}\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
        #expect(TestSocket.ask(path, Array(repeating: 0x41, count: 300_000)).hasPrefix("HTTP/1.1 431 "))
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a client that dribbles is answered 408 when its time is over")
    func slow() throws {
        let server = try AdminServer(path: path, limits: limits(.milliseconds(100)), handler: echo)
        defer { server.stop() }
        #expect(TestSocket.ask(path, "GET / HT").hasPrefix("HTTP/1.1 408 "))
    }

    @Test("a request nobody answers ends with 504")
    func silent() throws {
        let server = try AdminServer(path: path, limits: limits(.milliseconds(100))) { _, _ in nil }
        defer { server.stop() }
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 504 "))
    }

    @Test("more clients than places wait their turn instead of being lost")
    func crowd() throws {
        let server = try AdminServer(path: path, limits: limits(.milliseconds(300), connections: 2), handler: echo)
        defer { server.stop() }
        let idle = (0..<2).compactMap { _ in TestSocket.connected(to: .unix(path: path)) }
        defer { idle.forEach { Glibc.close($0) } }
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a client that leaves before its answer harms nobody")
    func leaves() throws {
        let replies = Mutex<[@Sendable (AdminResponse) -> Void]>([])
        let server = try AdminServer(path: path, limits: limits()) { request, reply in
            if request.path == "/later" { replies.withLock { $0.append(reply) } } else { reply(.text("now\n", status: 200)) }
            return nil
        }
        defer { server.stop() }
        let gone = try #require(TestSocket.connected(to: .unix(path: path)))
        let text = "GET /later HTTP/1.1\r\n\r\n"
        #expect(send(gone, text, text.utf8.count, 0) == text.utf8.count)
        let until = ContinuousClock.now + .seconds(5)
        while replies.withLock({ $0.isEmpty }) && ContinuousClock.now < until { sched_yield() }
        Glibc.close(gone)
        #expect(TestSocket.ask(path, "GET /now HTTP/1.1\r\n\r\n").hasSuffix("now\n"))
        for reply in replies.withLock({ $0 }) { reply(.text("late\n", status: 200)) }
        #expect(TestSocket.ask(path, "GET /now HTTP/1.1\r\n\r\n").hasSuffix("now\n"))
    }

    @Test("a socket left by a crash is replaced, one that is served is not")
    func stale() throws {
        mkdir(scratch["run"], 0o755)
        Glibc.close(try ListenerSocket.open(.unix(path: path), text: path))
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        defer { server.stop() }
        #expect { try AdminServer(path: path, limits: limits(), handler: echo) } throws: { ($0 as? IOError)?.code == EADDRINUSE }
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
    }

    @Test("stopping removes the socket")
    func stop() throws {
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        server.stop()
        #expect(access(path, F_OK) != 0)
    }
}
