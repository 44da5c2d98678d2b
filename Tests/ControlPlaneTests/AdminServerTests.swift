internal import Config
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

    @Test("HEAD gets the head, with the length that the body would have")
    func head() throws {
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        defer { server.stop() }
        let answer = TestSocket.ask(path, "HEAD /hello HTTP/1.1\r\n\r\n")
        #expect(answer.contains("\r\nContent-Length: 12\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test("who asks is known by the kernel's word")
    func actor() throws {
        let server = try AdminServer(path: path, limits: limits()) { request, reply in
            reply(.text(request.actor, status: 200))
            return nil
        }
        defer { server.stop() }
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasSuffix("\r\n\r\nuid \(geteuid()) (pid \(getpid()))"))
    }

    @Test("a body that is too long is refused, and the refusal arrives although much is still to come")
    func tooLong() throws {
        let server = try AdminServer(path: path, limits: limits(), handler: echo)
        defer { server.stop() }
        let head = Array("POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\n".utf8)
        #expect(TestSocket.ask(path, head + Array(repeating: 0x78, count: 900_000)).hasPrefix("HTTP/1.1 413 "))
        let largest = Array("POST /x HTTP/1.1\r\nContent-Length: 65536\r\n\r\n".utf8) + Array(repeating: 0x78, count: 65_536)
        #expect(TestSocket.ask(path, largest).hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a request may take longer than others when it says so")
    func patient() throws {
        var limits = limits()
        limits.answer = .milliseconds(50)
        let replies = Mutex<[@Sendable (AdminResponse) -> Void]>([])
        let server = try AdminServer(path: path, limits: limits) { request, reply in
            replies.withLock { $0.append(reply) }
            return request.path == "/patient" ? .seconds(3600) : nil
        }
        defer { server.stop() }
        let patient = try #require(TestSocket.connected(to: .unix(path: path)))
        defer { Glibc.close(patient) }
        let text = "GET /patient HTTP/1.1\r\n\r\n"
        #expect(send(patient, text, text.utf8.count, 0) == text.utf8.count)
        #expect(TestSocket.ask(path, "GET / HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 504 "))
        for reply in replies.withLock({ $0 }) { reply(.text("at last\n", status: 200)) }
        #expect(TestSocket.readAll(patient).hasSuffix("at last\n"))
    }

    @Test("who hangs up while waiting gives its place back, over both sockets")
    func hangUp() throws {
        var limits = limits(connections: 1)
        limits.io = .seconds(5)
        let access = try #require(AdminAccess(.tcp(host: "127.0.0.1", port: 0), token: AdminToken(nil)))
        let server = try AdminServer(path: path, access: access, limits: limits) { request, reply in
            if request.path != "/wait" { reply(.text("free\n", status: 200)) }
            return .seconds(3600)
        }
        defer { server.stop() }
        for address in [SocketAddress.unix(path: path), try #require(server.address)] {
            let waiting = try #require(TestSocket.connected(to: address))
            let text = "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n"
            #expect(send(waiting, text, text.utf8.count, 0) == text.utf8.count)
            let next = try #require(TestSocket.connected(to: address))
            defer { Glibc.close(next) }
            let asked = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            #expect(send(next, asked, asked.utf8.count, 0) == asked.utf8.count)
            Glibc.close(waiting)
            #expect(TestSocket.readAll(next).hasSuffix("free\n"), "\(address)")
        }
    }

    @Test("a follower gets what is posted, can resume, and one too many is refused")
    func events() throws {
        var limits = limits()
        limits.followers = 1
        let log = EventLog(first: 1)
        let server = try AdminServer(path: path, events: log, limits: limits) { request, reply in
            do throws(Problem) { reply(try EventQuery(request).response(log)) } catch { reply(.problem(error)) }
            return nil
        }
        defer { server.stop() }
        log.post(.reload, data: ["n": 1])
        log.post(.reload, data: ["n": 2])
        let follower = try #require(TestSocket.connected(to: .unix(path: path)))
        let text = "GET /v1/events HTTP/1.1\r\nLast-Event-ID: 1\r\n\r\n"
        #expect(send(follower, text, text.utf8.count, 0) == text.utf8.count)
        var seen = ""
        func readUntil(_ part: String) {
            var chunk = [UInt8](repeating: 0, count: 4096)
            while !seen.contains(part) {
                let count = read(follower, &chunk, chunk.count)
                guard count > 0 else { break }
                seen += String(decoding: chunk[..<count], as: UTF8.self)
            }
            #expect(seen.contains(part), "\(part) in \(seen)")
        }
        readUntil("id: 2\nevent: reload\n")
        #expect(!seen.contains("id: 1\n") && seen.contains("Content-Type: text/event-stream\r\n") && !seen.contains("Content-Length"))
        log.post(.shutdown, data: ["n": 3])
        readUntil("id: 3\nevent: shutdown\n")
        #expect(TestSocket.ask(path, "GET /v1/events HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 503 "))
        #expect(TestSocket.ask(path, "GET /v1/events?follow=false HTTP/1.1\r\n\r\n").contains("id: 1\n"))
        #expect(TestSocket.ask(path, "HEAD /v1/events HTTP/1.1\r\n\r\n").hasSuffix("\r\n\r\n"))
        Glibc.close(follower)
    }

    @Test("a follower that takes nothing any more is let go, and nobody else waits for it")
    func lazy() throws {
        let log = EventLog(first: 1)
        let server = try AdminServer(path: path, events: log, limits: limits(.milliseconds(200))) { request, reply in
            do throws(Problem) { reply(try EventQuery(request).response(log)) } catch { reply(.problem(error)) }
            return nil
        }
        defer { server.stop() }
        let lazy = try #require(TestSocket.connected(to: .unix(path: path)))
        defer { Glibc.close(lazy) }
        let text = "GET /v1/events?after=0 HTTP/1.1\r\n\r\n"
        #expect(send(lazy, text, text.utf8.count, 0) == text.utf8.count)
        for _ in 0..<900 { log.post(.release, data: ["text": String(repeating: "x", count: 4096)]) }
        #expect(TestSocket.ask(path, "HEAD /v1/events HTTP/1.1\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
        var polled = pollfd(fd: lazy, events: 0, revents: 0)
        let until = ContinuousClock.now + .seconds(10)
        while polled.revents & Int16(POLLHUP) == 0 && ContinuousClock.now < until { poll(&polled, 1, 100) }
        #expect(polled.revents & Int16(POLLHUP) != 0)
    }
}
