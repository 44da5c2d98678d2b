import Net
import Testing

@testable import HTTP

@Suite("HTTP/2 in bytes cut and changed")
struct H2FuzzTests {
    private static let seeds: [UInt64] = [1, 2, UInt64.random(in: 3...UInt64.max)]

    private static let conversation: [UInt8] =
        Frames.hello + Frames.headers(1, Frames.post + [("cookie", "a=1"), ("cookie", "b=2")], ends: false) + Frames.data(1, "hello ")
        + Frames.window(0, 1000) + Frames.headers(3) + Frames.data(1, "world") + Frames.ping(3) + Frames.reset(3)
        + Frames.frame(1, 1, 5, Frames.block(Frames.get)) + Frames.frame(9, 4, 5, Frames.block([("x", "y")]))
        + Frames.headers(1, [("x-trailer", "1")]) + Frames.frame(0, 9, 7, [0]) + Frames.settings([(4, 100)])
        + Frames.headers(9, Frames.get + [("BAD", "1")]) + Frames.goAway(0)

    private func heard(_ cuts: [Int]) throws -> [String] {
        let server = try Shore(.server)
        var start = 0
        for end in cuts + [Self.conversation.count] where end >= start {
            server.feed(Array(Self.conversation[start..<end]))
            start = end
        }
        _ = server.output()
        return server.log
    }

    @Test("a conversation split at any byte tells the same")
    func splits() throws {
        let whole = try heard([])
        #expect(whole.contains("request 5 GET http a.test / x=y") && whole.contains("trailers 1 x-trailer=1"))
        for cut in 1..<Self.conversation.count { #expect(try heard([cut]) == whole, "cut at \(cut)") }
        #expect(try heard(Array(1..<Self.conversation.count)) == whole)
    }

    @Test("nothing traps on random changes", arguments: seeds)
    func mutated(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1500 {
            var bytes = Self.conversation
            random.mutate(&bytes)
            try survive(bytes, &random, "seed \(seed)")
        }
    }

    @Test("nothing traps on random frames", arguments: seeds)
    func randomFrames(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<600 {
            var bytes = Bool.random(using: &random) ? Frames.hello : []
            for _ in 0..<Int.random(in: 1...40, using: &random) {
                let known = [Frames.headers(1), Frames.headers(3, ends: false), Frames.data(3, "abc"), Frames.settings([(4, 0)])]
                if Bool.random(using: &random) {
                    bytes += known.randomElement(using: &random) ?? []
                } else {
                    let payload = (0..<Int.random(in: 0...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                    bytes += Frames.frame(
                        UInt8.random(in: 0...11, using: &random), UInt8.random(in: 0...255, using: &random),
                        UInt32.random(in: 0...7, using: &random), payload)
                }
            }
            try survive(bytes, &random, "seed \(seed)")
        }
    }

    /// Feeds both roles, answers whatever is told, and checks what must always hold.
    private func survive(_ bytes: [UInt8], _ random: inout SeededGenerator, _ comment: Comment) throws {
        for role in [H2Session.Role.server, .client] {
            let shore = try Shore(role)
            shore.consumesAtOnce = Bool.random(using: &random)
            var open: Set<Int32> = []
            shore.onEvent = { shore, event in
                switch event {
                case .request(let stream, let head):
                    open.insert(stream.id)
                    #expect(shore.h1(head) != nil, comment)
                    shore.session.respond(stream, list([":status": "200"]), ends: false)
                    shore.content(stream, [1, 2, 3], ends: true)
                case .data(let stream, _): #expect(shore.session.unconsumed(stream) >= 0, comment)
                case .closed(let stream, _, _):
                    if role == .server { #expect(open.remove(stream.id) != nil, comment) }
                    #expect(shore.session.unsent(stream) == 0, comment)
                default: break
                }
            }
            if role == .client { for _ in 0..<3 { _ = shore.session.request(list(aRequest), ends: true, user: 0) } }
            var start = 0
            for end in random.cuts(bytes.count) + [bytes.count] where end >= start {
                shore.feed(Array(bytes[start..<end]))
                _ = shore.output()
                if Int.random(in: 0..<20, using: &random) == 0 { shore.session.beginDrain() }
                start = end
            }
        }
    }
}
