@testable internal import ControlPlane
internal import HTTP
internal import Net
internal import Testing

/// Checks over HTTP/2 against a session of the server's side: what is asked, and what answer passes. No socket.
@Suite struct H2ProbeTalkTests {
    private let now = Instant(nanoseconds: 1_000_000_000)

    /// What a server does with the request whose fields these are.
    private typealias Answer = (H2Session, H2Stream) -> Void

    private struct Outcome {
        var request: [String] = []
        var body: [UInt8] = []
        var progress = ProbeTalk.Progress.needMore
    }

    private func play(_ question: ProbeOrder.Question, isSecure: Bool = false, _ answer: Answer) throws -> Outcome {
        let talk = try #require(H2ProbeTalk(question, isSecure: isSecure, scratch: H2ProbeTalk.Scratch(), now: now))
        let server = try H2Session(role: .server, now: now)
        var outcome = Outcome()
        for _ in 0..<10 where outcome.progress == .needMore {
            var rest = talk.outbox[...]
            talk.outbox = []
            while !rest.isEmpty {
                let bytes = Array(rest)
                let count = try bytes.withUnsafeBytes { try server.receive($0, now: now) }
                while let event = server.nextEvent() { note(event, bytes, server, &outcome, answer) }
                rest = rest.dropFirst(count)
            }
            let back = sent(server)
            outcome.progress = back.withUnsafeBytes { talk.read($0, now: now) }
        }
        return outcome
    }

    private func note(_ event: H2Event, _ bytes: [UInt8], _ server: H2Session, _ outcome: inout Outcome, _ answer: Answer) {
        switch event {
        case .request(_, let index):
            let head = server.heads[index]
            let text = server.heads.bytes
            for range in [head.method, head.scheme, head.authority, head.path, head.lines] {
                outcome.request.append(String(decoding: text[Int(range.start)..<Int(range.end)], as: UTF8.self))
            }
        case .data(let stream, let range):
            outcome.body += bytes[Int(range.start)..<Int(range.end)]
            server.consume(stream, range.count)
        case .end(let stream): answer(server, stream)
        default: break
        }
    }

    /// Bodies of answers are a message of gRPC that says SERVING, always.
    private let serving: [UInt8] = [0, 0, 0, 0, 2, 8, 1]

    private func sent(_ server: H2Session) -> [UInt8] {
        let output = H2Output()
        var bytes: [UInt8] = []
        var hasMore = true
        while hasMore {
            hasMore = server.send(into: output, budget: 65_536, now: now)
            for piece in output.pieces {
                switch piece {
                case .wire(let range): bytes += output.bytes[Int(range.start)..<Int(range.end)]
                case .payload(_, let count): bytes += serving.prefix(count)
                }
            }
        }
        return bytes
    }

    private func head(_ status: UInt16, _ fields: (StaticString, StaticString)...) -> H2FieldList {
        let list = H2FieldList()
        list.add(status: status)
        for (name, value) in fields { list.add(name, value) }
        return list
    }

    private func trailers(_ status: StaticString) -> H2FieldList {
        let list = H2FieldList()
        list.add("grpc-status", status)
        return list
    }

    @Test("GET names path, host and us, and passes by its status", arguments: [(200, true, "200"), (503, false, "status 503")])
    func get(status: Int, passed: Bool, reason: String) throws {
        let outcome = try play(.http(path: "/healthz?a", host: "shop.test:8080", expect: [200...299]), isSecure: true) { server, stream in
            server.respond(stream, head(UInt16(status)), ends: true)
        }
        #expect(outcome.request[..<4] == ["GET", "https", "shop.test:8080", "/healthz?a"])
        #expect(outcome.request[4] == "user-agent: sluice-health\r\naccept: */*\r\n")
        #expect(outcome.progress == .answered(passed: passed, reason: reason))
    }

    @Test("a call of grpc.health.v1 names the service; SERVING with status 0 passes")
    func serves() throws {
        let outcome = try play(.grpc(service: "shop.Cart", host: "a.test")) { server, stream in
            server.respond(stream, head(200, ("content-type", "application/grpc")), ends: false)
            server.offer(stream, serving.count)
            server.finish(stream, trailers: trailers("0"))
        }
        #expect(outcome.request[0] == "POST" && outcome.request[3] == "/grpc.health.v1.Health/Check")
        #expect(outcome.body == [0, 0, 0, 0, 11, 0x0a, 9] + Array("shop.Cart".utf8))
        #expect(outcome.progress == .answered(passed: true, reason: "SERVING"))
    }

    @Test("another grpc-status, none, no message, or no status 200 fails, and the reason says which")
    func fails() throws {
        let wrong = try play(.grpc(service: "", host: "a.test")) { server, stream in
            server.respond(stream, head(200, ("grpc-status", "12")), ends: true)
        }
        #expect(wrong.body == [0, 0, 0, 0, 0])
        #expect(wrong.progress == .answered(passed: false, reason: "grpc-status 12"))
        let none = try play(.grpc(service: "", host: "a.test")) { server, stream in server.respond(stream, head(200), ends: true) }
        #expect(none.progress == .answered(passed: false, reason: "no grpc-status"))
        let empty = try play(.grpc(service: "", host: "a.test")) { server, stream in
            server.respond(stream, head(200), ends: false)
            server.finish(stream, trailers: trailers("0"))
        }
        #expect(empty.progress == .answered(passed: false, reason: "not SERVING"))
        let other = try play(.grpc(service: "", host: "a.test")) { server, stream in server.respond(stream, head(404), ends: true) }
        #expect(other.progress == .answered(passed: false, reason: "status 404"))
    }

    @Test("a reset, and bytes of another protocol, are no answers")
    func refusals() throws {
        let question = ProbeOrder.Question.http(path: "/", host: "a.test", expect: [200...299])
        let reset = try play(question) { server, stream in server.reset(stream, .refusedStream) }
        #expect(reset.progress == .refused("stream reset, code 7"))
        let talk = try #require(H2ProbeTalk(question, isSecure: false, scratch: H2ProbeTalk.Scratch(), now: now))
        let text = Array("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".utf8)
        #expect(text.withUnsafeBytes { talk.read($0, now: now) } == .refused("no HTTP/2 answer"))
    }
}
