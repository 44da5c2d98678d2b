import Net
import Testing

@testable import HTTP

@Suite("HTTP/2 streams that are gone")
struct H2ClosedStreamTests {
    private func server() throws -> Shore {
        let server = try Shore(.server)
        server.feed(Frames.hello)
        return server
    }

    /// Ends as a connection error of this code.
    private func expect(_ code: H2Code, _ server: Shore, _ comment: Comment) {
        #expect(server.error == H2Error(.violation(code)), comment)
        #expect(server.output().suffix(17).starts(with: [0, 0, 8, 7, 0, 0, 0, 0, 0]), comment)
        #expect(server.session.failure?.code == code && server.session.isOver, comment)
    }

    @Test("what follows the client's own END_STREAM or RST_STREAM is an error, whether the answer has ended or not")
    func ended() throws {
        let beginnings = [
            "END_STREAM": Frames.headers(1), "DATA": Frames.headers(1, ends: false) + Frames.data(1, "x", ends: true),
            "trailers": Frames.headers(1, ends: false) + Frames.headers(1, [("x", "y")]),
            "RST_STREAM": Frames.headers(1, ends: false) + Frames.reset(1), "a higher stream": Frames.headers(3),
        ]
        for (words, beginning) in beginnings {
            for (kind, late) in ["DATA": Frames.data(1, "late"), "HEADERS": Frames.headers(1)] {
                for answers in [false, true] {
                    let server = try server()
                    server.feed(beginning)
                    if answers {
                        for case .request(let stream, _) in server.told {
                            server.session.respond(stream, list([":status": "204"]), ends: true)
                        }
                    }
                    _ = server.output()
                    #expect(server.error == nil)
                    server.feed(late)
                    expect(.streamClosed, server, "\(kind) after \(words), answered: \(answers)")
                }
            }
        }
    }

    @Test("what comes late on a stream that we have reset is passed over, its window given back")
    func late() throws {
        let server = try server()
        server.onEvent = { shore, event in
            if case .request(let stream, _) = event { shore.session.reset(stream, .noError) }
        }
        server.feed(Frames.headers(1, Frames.post, ends: false))
        _ = server.output()
        for _ in 0..<100 {
            server.feed(Frames.data(1, String(repeating: "x", count: 16_000)))
            _ = server.output()
        }
        server.feed(Frames.headers(1, [("x-trailer", "1")]) + Frames.headers(3))
        #expect(server.error == nil && server.log.last == "end 3")
    }

    @Test("a stream that stays open is known after thousands that we reset and the client never ended")
    func longLived() throws {
        let server = try server()
        server.onEvent = { shore, event in
            if case .request(let stream, _) = event, stream.id != 1 { shore.session.reset(stream, .noError) }
        }
        server.feed(Frames.headers(1, Frames.post, ends: false))
        for index in 1...UInt32(3000) {
            server.feed(Frames.headers(2 * index + 1, Frames.post, ends: false))
            _ = server.output()
        }
        server.feed(Frames.data(1, "still", ends: true) + Frames.data(6001, "late"))
        #expect(server.error == nil && server.received[1] == Array("still".utf8))
        // That long ago it is nobody's frame any more.
        server.feed(Frames.data(3, "late"))
        expect(.streamClosed, server, "of a stream that was forgotten")
    }

    @Test("PRIORITY on stream 0 or on itself is an error, any other is passed over; in pieces of any size", arguments: 1...20)
    func priority(piece: Int) throws {
        for (stream, parent, isRight) in [
            (1, 0, true), (5, 3, true), (3, 0x8000_0001, true), (0, 1, false), (5, 5, false), (5, 0x8000_0005, false),
        ]
            as [(UInt32, UInt32, Bool)]
        {
            let server = try server()
            var rest = (Frames.frame(2, 0, stream, Frames.number(parent) + [7]) + Frames.headers(7))[...]
            while !rest.isEmpty {
                server.feed(Array(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
            }
            if isRight {
                #expect(server.error == nil && server.log.last == "end 7", "\(parent)")
            } else {
                expect(.protocolError, server, "\(stream) on \(parent)")
            }
        }
    }
}
