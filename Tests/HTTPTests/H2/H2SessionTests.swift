import Net
import Testing

@testable import HTTP

@Suite("HTTP/2 session")
struct H2SessionTests {
    /// A server that answers each request when it ends: interim, head, as much content as came, trailers.
    private func echo() throws -> Shore {
        let server = try Shore(.server)
        server.onEvent = { shore, event in
            switch event {
            case .request(let stream, _): shore.session.interim(stream, list([":status": "103", "link": "</a>"]))
            case .end(let stream):
                shore.session.respond(stream, list([":status": "200", "content-type": "text/plain"]), ends: false)
                shore.content(stream, shore.received[stream.id, default: []])
                shore.session.finish(stream, trailers: list(["grpc-status": "0"]))
            default: break
            }
        }
        return server
    }

    @Test("a request with content and trailers comes through, and its answer goes back", arguments: [1, 2, 7, 9, 1000, Int.max])
    func exchange(piece: Int) throws {
        let (client, server) = (try Shore(.client), try echo())
        let stream = try #require(client.session.request(list(aPost), ends: false, user: 7))
        client.content(stream, [UInt8](repeating: 42, count: 100_000))
        client.session.finish(stream, trailers: list(["x-sum": "1"]))
        talk(client, server, piece: piece)
        #expect(
            server.log == [
                "settings", "request 1 POST http a.test /", "data 1 100000", "trailers 1 x-sum=1", "end 1", "closed 1 0",
            ])
        #expect(
            client.log == [
                "settings", "interim 1 103 link=</a>", "response 1 200 content-type=text/plain", "data 1 100000",
                "trailers 1 grpc-status=0", "end 1", "closed 1 0",
            ])
        #expect(client.received[1] == [UInt8](repeating: 42, count: 100_000))
        #expect(client.session.streamCount == 0 && server.session.streamCount == 0)
    }

    @Test("the caller's number comes back with each event, and a handle of the past does nothing")
    func handles() throws {
        let (client, server) = (try Shore(.client), try echo())
        var users: [UInt32] = []
        client.onEvent = { _, event in
            if case .response(let stream, _) = event { users.append(stream.user) }
            if case .closed(let stream, _, _) = event { users.append(stream.user) }
        }
        let old = try #require(client.session.request(list(aRequest), ends: true, user: 11))
        talk(client, server)
        #expect(users == [11, 11])
        let new = try #require(client.session.request(list(aRequest), ends: true, user: 12))
        client.session.reset(old, .cancel)
        client.session.consume(old, 100)
        client.session.offer(old, 100)
        talk(client, server)
        #expect(users == [11, 11, 12, 12])
        #expect(client.session.unsent(new) == 0)
    }

    @Test("a reset is told on the other side with its code, whoever makes it")
    func resets() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        let first = try #require(client.session.request(list(aRequest), ends: true, user: 0))
        let second = try #require(client.session.request(list(aPost), ends: false, user: 0))
        var seen: [H2Stream] = []
        server.onEvent = { _, event in if case .request(let stream, _) = event { seen.append(stream) } }
        talk(client, server)
        client.session.reset(first, .cancel)
        server.session.reset(seen[1], .refusedStream)
        talk(client, server)
        #expect(client.log.suffix(2) == ["closed 1 8 by us", "closed 3 7"])
        #expect(server.log.suffix(2) == ["closed 3 7 by us", "closed 1 8"])
        #expect(client.session.streamCount == 0 && server.session.streamCount == 0 && second.id == 3)
    }

    @Test("the rest of a request is refused without an error behind the end of its answer, not before")
    func refusedRest() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        let upload = try #require(client.session.request(list(aPost), ends: false, user: 0))
        var seen: [H2Stream] = []
        server.onEvent = { _, event in if case .request(let stream, _) = event { seen.append(stream) } }
        talk(client, server)
        server.session.respond(seen[0], list([":status": "413"]), ends: false)
        server.session.refuseRest(seen[0])
        talk(client, server)
        #expect(client.log.last == "response 1 413")
        server.content(seen[0], Array("early".utf8), ends: true)
        talk(client, server)
        #expect(client.log.suffix(3) == ["data 1 5", "end 1", "closed 1 0"])
        #expect(server.log.last == "closed 1 0 by us" && upload.id == 1)
    }

    @Test("content that is thrown away opens the connection's window and not its stream's")
    func discarded() throws {
        var limits = H2Limits()
        (limits.streamWindow, limits.connectionWindow) = (70_000, 70_000)
        let (client, server) = (try Shore(.client), try Shore(.server, limits: limits))
        server.consumesAtOnce = false
        talk(client, server)
        var streams: [H2Stream] = []
        server.onEvent = { _, event in if case .request(let stream, _) = event { streams.append(stream) } }
        let uploads = [
            try #require(client.session.request(list(aPost), ends: false, user: 0)),
            try #require(client.session.request(list(aPost), ends: false, user: 0)),
        ]
        talk(client, server)
        client.content(uploads[0], [UInt8](repeating: 1, count: 100_000))
        talk(client, server)
        #expect(server.received[1]?.count == 70_000)
        server.session.discard(streams[0], 70_000)
        talk(client, server)
        client.content(uploads[1], [UInt8](repeating: 1, count: 50_000))
        talk(client, server)
        #expect(server.received[1]?.count == 70_000 && server.received[3]?.count == 50_000)
        #expect(server.session.unconsumed(streams[0]) == 0)
    }

    @Test("a request reset before it left is told as closed and never sent")
    func resetUnsent() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        talk(client, server)
        let stream = try #require(client.session.request(list(aRequest), ends: true, user: 0))
        client.session.reset(stream, .cancel)
        talk(client, server)
        #expect(client.session.streamCount == 0)
        #expect(!server.log.contains { $0.hasPrefix("request") })
        #expect(client.log.last?.hasPrefix("closed 1 8") == true)
    }

    @Test("windows open only as bytes are consumed, and what is owed never falls below zero")
    func flowControl() throws {
        var limits = H2Limits()
        (limits.streamWindow, limits.connectionWindow) = (100_000, 150_000)
        let (client, server) = (try Shore(.client), try Shore(.server, limits: limits))
        server.consumesAtOnce = false
        talk(client, server)
        var streams: [H2Stream] = []
        server.onEvent = { _, event in if case .request(let stream, _) = event { streams.append(stream) } }
        let mine = (0..<2).compactMap { _ in client.session.request(list(aPost), ends: false, user: 0) }
        for stream in mine { client.content(stream, [UInt8](repeating: 1, count: 200_000), ends: true) }
        talk(client, server)
        let owed = streams.map { server.session.unconsumed($0) }
        #expect(owed.reduce(0, +) == 150_000 && owed.allSatisfy { $0 <= 100_000 })
        #expect(client.session.isStalled(mine[0]))
        server.session.consume(streams[0], .max)
        #expect(server.session.unconsumed(streams[0]) == 0)
        server.session.consume(streams[0], 50)
        talk(client, server)
        #expect(server.session.unconsumed(streams[0]) <= 100_000)
        server.consumesAtOnce = true
        for _ in 0..<20 {
            for stream in streams { server.session.consume(stream, .max) }
            talk(client, server)
        }
        #expect(server.received[1]?.count == 200_000 && server.received[3]?.count == 200_000)
    }

    @Test("a stream that ends owing bytes gives the connection its window back")
    func debts() throws {
        var limits = H2Limits()
        (limits.streamWindow, limits.connectionWindow) = (65_535, 65_535)
        let (client, server) = (try Shore(.client), try Shore(.server, limits: limits))
        server.consumesAtOnce = false
        talk(client, server)
        for round in 0..<5 {
            let stream = try #require(client.session.request(list(aPost), ends: false, user: 0))
            client.content(stream, [UInt8](repeating: 1, count: 65_535))
            talk(client, server)
            #expect(server.received[stream.id]?.count == 65_535, "round \(round)")
            client.session.reset(stream, .cancel)
            talk(client, server)
        }
    }

    @Test("a thousand streams at once are all answered")
    func manyStreams() throws {
        var limits = H2Limits()
        limits.concurrentStreams = 1000
        let (client, server) = (try Shore(.client), try Shore(.server, limits: limits))
        server.onEvent = { shore, event in
            guard case .request(let stream, _) = event else { return }
            shore.session.respond(stream, list([":status": "200"]), ends: false)
            shore.content(stream, [1, 2, 3], ends: true)
        }
        talk(client, server)
        var opened = 0
        while client.session.canOpen, client.session.request(list(aRequest), ends: true, user: UInt32(opened)) != nil { opened += 1 }
        #expect(opened == 1000)
        talk(client, server)
        #expect(client.received.count == 1000 && client.received.values.allSatisfy { $0 == [1, 2, 3] })
        #expect(client.session.streamCount == 0 && server.session.streamCount == 0 && client.session.openable == 1000)
    }

    @Test("output stops at its budget and goes on where it stopped")
    func budget() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        talk(client, server)
        var streams: [H2Stream] = []
        for _ in 0..<20 {
            let stream = try #require(client.session.request(list(aPost), ends: false, user: 0))
            client.content(stream, [UInt8](repeating: 3, count: 30_000), ends: true)
            streams.append(stream)
        }
        let output = H2Output()
        #expect(client.session.send(into: output, budget: 20_000, now: client.now))
        #expect(output.count >= 20_000 && output.count < 20_000 + 16_384 + 300)
    }

    @Test("a quiet session gives its memory back and works on")
    func trimmed() throws {
        let (client, server) = (try Shore(.client), try echo())
        for id in [1, 3] {
            _ = client.session.request(list(aRequest), ends: true, user: 0)
            talk(client, server)
            server.session.trim()
            client.session.trim()
            #expect(client.log.contains("response \(id) 200 content-type=text/plain"))
        }
    }

    @Test("what is not HTTP/2 is known by its first bytes")
    func otherProtocols() throws {
        let server = try Shore(.server)
        server.feed(Array("GET / HTTP/1.1\r\nhost: a\r\n\r\n".utf8))
        #expect(server.error == H2Error(.notH2))
    }

    @Test("receive stops when much has been told, and goes on where it stopped")
    func pauses() throws {
        func heard(_ frames: [UInt8]) throws -> (log: [String], data: Int, calls: Int) {
            let session = try H2Session(role: .server, now: Instant(nanoseconds: 1))
            var (rest, log, data, calls) = (Frames.hello + frames, [String](), 0, 0)
            while !rest.isEmpty {
                calls += 1
                let count = try rest.withUnsafeBytes { try session.receive($0, now: Instant(nanoseconds: 1)) }
                #expect(count > 0 && session.undrained <= H2Session.eventMark + 1)
                while let event = session.nextEvent() {
                    switch event {
                    case .request(let stream, _): log.append("request \(stream.id)")
                    case .data(_, let range): data += range.count
                    case .end(let stream): log.append("end \(stream.id)")
                    default: break
                    }
                }
                rest.removeFirst(count)
            }
            return (log, data, calls)
        }
        let small = Frames.headers(1, Frames.post, ends: false) + (0..<1600).flatMap { _ in Frames.data(1, "x") } + Frames.headers(3)
        let many = try heard(small)
        #expect(many.data == 1600 && many.log == ["request 1", "request 3", "end 3"] && many.calls >= 3)
        let large = Frames.get + [("x", String(repeating: "y", count: 10_000))]
        let heads = try heard((0..<UInt32(40)).flatMap { Frames.headers(2 * $0 + 1, large) })
        #expect(heads.log.count == 80 && heads.calls >= 3)
    }
}
