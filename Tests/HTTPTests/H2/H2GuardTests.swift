import Net
import Testing

@testable import HTTP

@Suite("HTTP/2 floods")
struct H2GuardTests {
    /// What the server says of these frames after a sound beginning, and its last bytes.
    private func verdict(_ frames: [UInt8], limits: H2Limits = H2Limits()) throws -> (H2Error?, [UInt8]) {
        let server = try Shore(.server, limits: limits)
        server.feed(Frames.hello)
        _ = server.output()
        server.feed(frames)
        return (server.error, server.output())
    }

    private func repeated(_ count: Int, _ make: (UInt32) -> [UInt8]) -> [UInt8] {
        (0..<UInt32(count)).flatMap(make)
    }

    private func expect(_ offence: H2Guard.Offence, _ frames: [UInt8], limits: H2Limits = H2Limits()) throws {
        let (error, bytes) = try verdict(frames, limits: limits)
        #expect(error == H2Error(.flood(offence)))
        // GOAWAY with ENHANCE_YOUR_CALM is the last that goes out.
        #expect(bytes.suffix(17).starts(with: [0, 0, 8, 7, 0, 0, 0, 0, 0]) && bytes.last == 0xb)
    }

    @Test("rapid reset")
    func rapidReset() throws { try expect(.resets, repeated(1000) { Frames.headers(2 * $0 + 1) + Frames.reset(2 * $0 + 1) }) }

    @Test("a peer that makes us reset its streams")
    func madeReset() throws {
        let server = try Shore(.server)
        server.feed(Frames.hello)
        for index in 0..<UInt32(1000) where server.session.failure == nil {
            server.feed(Frames.headers(2 * index + 1, ends: false) + Frames.window(2 * index + 1, 0x7fff_ffff))
            _ = server.output()
        }
        #expect(server.session.failure == H2Error(.flood(.resets)))
    }

    @Test("SETTINGS") func settings() throws { try expect(.controlFrames, repeated(2000) { _ in Frames.settings() }) }

    @Test("PING") func ping() throws { try expect(.controlFrames, repeated(2000) { _ in Frames.ping() }) }

    @Test("PRIORITY") func priority() throws {
        try expect(.controlFrames, repeated(2000) { Frames.frame(2, 0, 2 * $0 + 1, [0, 0, 0, 0, 16]) })
    }

    @Test("frames of types that nobody knows") func unknown() throws {
        try expect(.controlFrames, repeated(2000) { _ in Frames.frame(0xee, 0, 0, [1, 2, 3]) })
    }

    @Test("empty DATA") func empty() throws {
        try expect(.emptyFrames, Frames.headers(1, Frames.post, ends: false) + repeated(1000) { _ in Frames.data(1, "") })
    }

    @Test("DATA of padding alone") func padding() throws {
        let begin = Frames.headers(1, Frames.post, ends: false)
        try expect(.emptyFrames, begin + repeated(1000) { _ in Frames.frame(0, 8, 1, [2, 0, 0]) })
        // With a byte of content among it, it is no flood.
        let (error, _) = try verdict(begin + repeated(1000) { _ in Frames.frame(0, 8, 1, [2, 7, 0, 0]) })
        #expect(error == nil)
    }

    @Test("WINDOW_UPDATE") func windows() throws { try expect(.windowUpdates, repeated(9000) { _ in Frames.window(0, 1) }) }

    @Test("CONTINUATION") func continuations() throws {
        let begin = Frames.frame(1, 1, 1, Frames.block(Frames.get))
        try expect(.continuations, begin + repeated(100) { _ in Frames.frame(9, 0, 1, Frames.block([("x", "y")])) })
        let (error, _) = try verdict(begin + Frames.frame(9, 4, 1, []))
        #expect(error == nil)
    }

    @Test("a compressed bomb: one large field, referred to again and again")
    func bomb() throws {
        var limits = H2Limits()
        limits.headerListBytes = 16_384
        let seed: [UInt8] = [0x40, 1, 0x78] + [0x7f, 0xa1, 0x17] + [UInt8](repeating: 0x61, count: 3104)
        // Index 62 is the newest entry of the dynamic table.
        let block = Frames.block(Frames.get) + seed + [UInt8](repeating: 0x80 | 62, count: 4000)
        try expect(.headerBomb, Frames.frame(1, 5, 1, block), limits: limits)
    }

    @Test("more streams than allowed are refused; a peer that has acknowledged the limit and breaks it ends its connection")
    func tooManyStreams() throws {
        var limits = H2Limits()
        limits.concurrentStreams = 10
        for acknowledges in [false, true] {
            let server = try Shore(.server, limits: limits)
            server.feed(Frames.hello)
            _ = server.output()
            server.feed((acknowledges ? Frames.frame(4, 1, 0, []) : []) + repeated(12) { Frames.headers(2 * $0 + 1) })
            let bytes = server.output()
            #expect(server.log.filter { $0.hasPrefix("request") }.count == 10)
            let refusal = Frames.reset(21, 7)
            #expect(bytes.indices.contains { bytes[$0...].starts(with: refusal) } == !acknowledges)
            #expect(server.session.isOver == acknowledges)
        }
    }

    @Test("a busy but honest peer is left alone")
    func honest() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        server.onEvent = { shore, event in
            guard case .request(let stream, _) = event else { return }
            shore.session.respond(stream, list([":status": "200"]), ends: false)
            shore.content(stream, [UInt8](repeating: 0, count: 20_000), ends: true)
        }
        talk(client, server)
        // All within one instant: only what the traffic itself earns counts.
        for _ in 0..<200 {
            for _ in 0..<50 { _ = client.session.request(list(aRequest), ends: true, user: 0) }
            talk(client, server)
        }
        #expect(server.error == nil && client.error == nil && server.session.failure == nil)
        #expect(client.received.count == 10_000)
    }

    @Test("a PING for each DATA frame is no flood, as gRPC measures its way")
    func measuring() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        var stream: H2Stream?
        server.onEvent = { shore, event in
            guard case .request(let request, _) = event else { return }
            stream = request
            shore.session.respond(request, list([":status": "200"]), ends: false)
        }
        talk(client, server)
        _ = client.session.request(list(aRequest), ends: true, user: 0)
        talk(client, server)
        for _ in 0..<3000 {
            server.content(try #require(stream), [1])
            _ = client.session.ping()
            talk(client, server)
        }
        #expect(server.session.failure == nil && client.received[1]?.count == 3000)
    }

    @Test("credits come back with time, up to the burst")
    func credits() {
        var now = Instant(nanoseconds: 5)
        var credit = H2Credit(H2Rate(perSecond: 10, burst: 3), now: now)
        func taken() -> Int { (0..<10).filter { _ in credit.take(now: now) }.count }
        #expect(taken() == 3)
        now = now + .milliseconds(99)
        #expect(taken() == 0)
        now = now + .milliseconds(1)
        #expect(taken() == 1)
        now = now + .milliseconds(3_600_000)
        #expect(taken() == 3)
        now = Instant(nanoseconds: .max)
        #expect(taken() == 3)
        now = Instant(nanoseconds: 0)
        #expect(taken() == 0)
        var none = H2Credit(H2Rate(perSecond: 0, burst: 0), now: now)
        let gave = none.take(now: .never)
        #expect(!gave)
        var most = H2Credit(H2Rate(perSecond: .max, burst: .max), now: now)
        most.give(.max)
        let given = most.take(now: .never)
        #expect(given)
    }

    @Test("frame headers are found in bytes cut anywhere")
    func walk() {
        let bytes =
            Frames.preface + Frames.settings([(1, 2)]) + Frames.data(0x7fff_ffff, "hello", ends: true)
            + Frames.frame(2, 0, 9, [0x80, 0, 1, 7, 5])
            + Frames.frame(0, 8, 3, [200, 1]) + Frames.frame(2, 0, 9, [1, 2, 3, 4]) + Frames.ping()
        func walked(_ piece: Int) -> [H2FrameHeader] {
            var (walk, found, rest) = (H2FrameWalk(preface: 24), [H2FrameHeader](), bytes[...])
            while !rest.isEmpty {
                var index = 0
                Array(rest.prefix(piece)).withUnsafeBytes { buffer in
                    while let frame = walk.next(buffer, at: &index) { found.append(frame) }
                }
                rest = rest.dropFirst(piece)
            }
            return found
        }
        let whole = walked(.max)
        var (priority, padded) = (
            H2FrameHeader(length: 5, type: 2, flags: 0, stream: 9), H2FrameHeader(length: 2, type: 0, flags: 8, stream: 3)
        )
        (priority.dependsOn, padded.padding) = (263, 201)
        #expect(
            whole == [
                H2FrameHeader(length: 6, type: 4, flags: 0, stream: 0), H2FrameHeader(length: 5, type: 0, flags: 1, stream: 0x7fff_ffff),
                priority, padded, H2FrameHeader(length: 4, type: 2, flags: 0, stream: 9),
                H2FrameHeader(length: 8, type: 6, flags: 0, stream: 0),
            ])
        for piece in 1..<bytes.count { #expect(walked(piece) == whole) }
    }
}
