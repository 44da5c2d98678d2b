import Net
import Testing

@testable import HTTP

@Suite("Ending an HTTP/2 connection")
struct H2DrainTests {
    /// Last stream and code of each GOAWAY in these bytes.
    private func goAways(_ bytes: [UInt8]) -> [UInt32] {
        var (walk, index, found) = (H2FrameWalk(preface: 0), 0, [UInt32]())
        bytes.withUnsafeBytes { buffer in
            while let frame = walk.next(buffer, at: &index) {
                guard frame.type == H2FrameHeader.goAway else { continue }
                found.append(buffer[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) })
            }
        }
        return found
    }

    @Test("the notice names no stream; the last GOAWAY comes with the answer to a PING and names the last stream told")
    func twoPhases() throws {
        let server = try Shore(.server)
        server.feed(Frames.hello + Frames.headers(1))
        _ = server.output()
        server.session.beginDrain()
        let notice = server.output()
        #expect(goAways(notice) == [UInt32(Int32.max)])
        let ping = try #require(notice.indices.first { notice[$0...].starts(with: [0, 0, 8, 6, 0, 0, 0, 0, 0]) })
        // What was on its way when the notice left is still told.
        server.feed(Frames.headers(3))
        #expect(goAways(server.output()).isEmpty && !server.session.isDrained)
        server.feed(Frames.frame(6, 1, 0, Array(notice[(ping + 9)..<(ping + 17)])))
        #expect(goAways(server.output()) == [3])
        #expect(server.log.contains("request 3 GET http a.test /"))
        server.feed(Frames.headers(5))
        #expect(!server.log.contains { $0.hasPrefix("request 5") })
        #expect(!server.session.isDrained)
        for _ in 0..<2 { server.feed(Frames.reset(1) + Frames.reset(3)) }
        _ = server.output()
        #expect(server.session.isDrained)
    }

    @Test("a stream that comes while the last GOAWAY is queued is either named or not told")
    func lateStreams() throws {
        for late in [UInt32(5), 7, 9] {
            let server = try Shore(.server)
            server.feed(Frames.hello + Frames.headers(1) + Frames.headers(3))
            server.session.beginDrain()
            _ = server.output()
            server.session.finishDrain()
            server.feed(Frames.headers(late))
            let last = try #require(goAways(server.output()).last)
            #expect((server.log.contains { $0.hasPrefix("request \(late)") }) == (last >= late))
            server.feed(Frames.headers(late + 2))
            #expect(!server.log.contains { $0.hasPrefix("request \(late + 2)") })
        }
    }

    @Test("SETTINGS come before any GOAWAY, also when the drain begins first")
    func settingsFirst() throws {
        let server = try Shore(.server)
        server.session.beginDrain()
        let bytes = server.output()
        #expect(bytes.count > 9 && bytes[3] == H2FrameHeader.settings)
        #expect(goAways(bytes) == [UInt32(Int32.max)])
    }

    @Test("both ends drain while requests run, and none is lost")
    func together() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        var waiting: [H2Stream] = []
        server.onEvent = { _, event in if case .request(let stream, _) = event { waiting.append(stream) } }
        talk(client, server)
        for _ in 0..<3 { _ = client.session.request(list(aRequest), ends: true, user: 0) }
        server.session.beginDrain()
        talk(client, server)
        #expect(waiting.count == 3 && client.log.contains("goaway \(Int32.max) 0") && !client.session.canOpen)
        #expect(client.session.request(list(aRequest), ends: true, user: 0) == nil)
        for stream in waiting { server.session.respond(stream, list([":status": "200"]), ends: true) }
        talk(client, server)
        #expect(client.log.filter { $0.hasPrefix("response") }.count == 3)
        #expect(client.log.contains("goaway 5 0"))
        #expect(server.session.isDrained && client.session.streamCount == 0)
    }

    @Test("streams above a GOAWAY's last are told as refused, those below finish")
    func clientGoAway() throws {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        for _ in 0..<3 { _ = client.session.request(list(aRequest), ends: true, user: 0) }
        _ = client.output()
        client.feed(Frames.goAway(3))
        #expect(client.log == ["settings", "goaway 3 0", "closed 5 7"] || client.log == ["settings", "closed 5 7", "goaway 3 0"])
        #expect(!client.session.canOpen && client.session.streamCount == 2)
        client.feed(Frames.headers(1, [(":status", "204")]) + Frames.headers(3, [(":status", "204")]))
        #expect(client.log.suffix(2) == ["end 3", "closed 3 0"])
        #expect(client.session.streamCount == 0)
    }

    @Test("a request that a GOAWAY overtook before it left is told as refused")
    func overtaken() throws {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        _ = client.output()
        _ = client.session.request(list(aRequest), ends: true, user: 9)
        client.feed(Frames.goAway(0))
        _ = client.output()
        #expect(client.log.contains("closed 1 7"))
        #expect(client.session.streamCount == 0)
    }

    @Test("REFUSED_STREAM is told as such")
    func refused() throws {
        let client = try Shore(.client)
        client.feed(Frames.settings())
        _ = client.session.request(list(aRequest), ends: true, user: 0)
        _ = client.output()
        client.feed(Frames.reset(1, 7))
        #expect(client.log.last == "closed 1 7")
    }

    @Test("the peer's limit of streams is obeyed, also when it falls")
    func peerLimit() throws {
        let client = try Shore(.client)
        client.feed(Frames.settings([(3, 2)]))
        #expect(client.session.openable == 2)
        for _ in 0..<2 { #expect(client.session.request(list(aRequest), ends: true, user: 0) != nil) }
        #expect(!client.session.canOpen && client.session.request(list(aRequest), ends: true, user: 0) == nil)
        _ = client.output()
        client.feed(Frames.settings([(3, 1)]))
        client.feed(Frames.headers(1, [(":status", "204")]))
        #expect(client.session.openable == 0)
        client.feed(Frames.headers(3, [(":status", "204")]))
        #expect(client.session.openable == 1)
    }

    @Test("a PING is answered with its number")
    func ping() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        talk(client, server)
        let numbers = [client.session.ping(), client.session.ping()]
        talk(client, server)
        #expect(client.log.suffix(2) == numbers.map { "pong \($0)" })
    }

    @Test("a client that drains opens nothing more and says so")
    func clientDrain() throws {
        let (client, server) = (try Shore(.client), try Shore(.server))
        talk(client, server)
        client.session.beginDrain()
        #expect(!client.session.canOpen)
        talk(client, server)
        #expect(server.log.last == "goaway 0 0" && client.session.isDrained)
    }
}
