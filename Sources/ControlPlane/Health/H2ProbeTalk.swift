internal import HTTP
internal import Net

/// GET, or a call of `grpc.health.v1.Health/Check`, over HTTP/2.
final class H2ProbeTalk: ProbeTalk {
    private let order: ProbeOrder.Question
    private let session: H2Session
    private let scratch: Scratch
    private var stream: H2Stream?
    /// Of a call: what is not sent yet, and what has come.
    private var request: [UInt8] = []
    private var answer: [UInt8] = []
    /// `grpc-status`, as it came.
    private var callStatus: [UInt8]?

    /// Used by all probes, each for one call.
    final class Scratch {
        let output = H2Output()
        let fields = H2FieldList()
    }

    /// A message of gRPC: 0 = not compressed, its length, then the message.
    private static let prefix = 5
    /// What a health check answers is a few bytes.
    private static let messageLimit = 4096
    private static let budget = 64 * 1024

    /// nil when there is no memory.
    init?(_ question: ProbeOrder.Question, isSecure: Bool, scratch: Scratch, now: Instant) {
        var limits = H2Limits()
        limits.offersWebSocket = false
        guard let session = try? H2Session(role: .client, limits: limits, now: now) else { return nil }
        order = question
        self.session = session
        self.scratch = scratch
        super.init(outbox: [])
        ask(isSecure: isSecure)
        flush(now)
    }

    override func read(_ bytes: UnsafeRawBufferPointer, now: Instant) -> Progress {
        hasBegun = hasBegun || !bytes.isEmpty
        var rest = bytes
        var progress = Progress.needMore
        while !rest.isEmpty, case .needMore = progress {
            guard let count = try? session.receive(rest, now: now) else { return .refused("no HTTP/2 answer") }
            while let event = session.nextEvent() {
                let step = take(event, of: rest)
                if case .needMore = progress { progress = step }
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        flush(now)
        if case .needMore = progress, session.isOver { return .refused("no HTTP/2 answer") }
        return progress
    }

    override func leave(now: Instant) {
        session.beginDrain()
        flush(now)
    }

    // MARK: - Private

    private func ask(isSecure: Bool) {
        let fields = scratch.fields
        fields.removeAll()
        let scheme: StaticString = isSecure ? "https" : "http"
        switch order {
        case .connect: break
        case .http(let path, let host, _):
            add(":method", "GET")
            fields.add(":scheme", scheme)
            add(":authority", host)
            add(":path", path)
            add("user-agent", "sluice-health")
            add("accept", "*/*")
            stream = session.request(fields, ends: true, user: 0)
        case .grpc(let service, let host):
            add(":method", "POST")
            fields.add(":scheme", scheme)
            add(":authority", host)
            add(":path", "/grpc.health.v1.Health/Check")
            add("content-type", "application/grpc")
            add("te", "trailers")
            add("user-agent", "sluice-health")
            request = Self.call(service)
            stream = session.request(fields, ends: false, user: 0)
            guard let stream else { return }
            session.offer(stream, request.count)
            session.finish(stream)
        }
    }

    private func add(_ name: StaticString, _ value: String) {
        var value = value
        value.withUTF8 { scratch.fields.add(name, UnsafeRawBufferPointer($0)) }
    }

    /// `HealthCheckRequest { string service = 1; }`; a name of at most 127 bytes, as the configuration has it.
    private static func call(_ service: String) -> [UInt8] {
        let name = Array(service.utf8.prefix(127))
        let body = name.isEmpty ? [] : [0x0a, UInt8(name.count)] + name
        return [0, 0, 0, 0, UInt8(body.count)] + body
    }

    private func take(_ event: H2Event, of bytes: UnsafeRawBufferPointer) -> Progress {
        switch event {
        case .response(_, let head):
            let head = session.heads[head]
            if case .http(_, _, let expect) = order { return Self.judge(Int(head.status), expect) }
            guard head.status == 200 else { return .answered(passed: false, reason: "status \(head.status)") }
            noteStatus(head)
        case .data(let stream, let range):
            session.consume(stream, range.count)
            guard answer.count + range.count <= Self.messageLimit else { return .refused("an answer that is no health check's") }
            answer += bytes[Int(range.start)..<Int(range.end)]
        case .trailers(_, let head): noteStatus(session.heads[head])
        case .end: if case .grpc = order { return judgeCall() }
        case .closed(_, let code, _): return .refused(hasBegun ? "stream reset, code \(code.number)" : "reset without an answer")
        case .goAway, .settings, .pong, .interim, .request: break
        }
        return .needMore
    }

    private func noteStatus(_ head: H2Head) {
        let bytes = session.heads.bytes
        for field in session.heads.fields(of: head) {
            let name = UnsafeRawBufferPointer(rebasing: bytes[Int(field.nameRange.start)..<Int(field.nameRange.end)])
            if ASCII.equalsIgnoringCase(name, "grpc-status") { callStatus = Array(bytes[Int(field.valueStart)..<Int(field.valueEnd)]) }
        }
    }

    private func judgeCall() -> Progress {
        guard let callStatus else { return .answered(passed: false, reason: "no grpc-status") }
        guard callStatus == Array("0".utf8) else {
            return .answered(passed: false, reason: "grpc-status \(String(decoding: callStatus.prefix(16), as: UTF8.self))")
        }
        // `HealthCheckResponse { ServingStatus status = 1; }`, SERVING = 1; left out it is UNKNOWN.
        let isServing = Array(answer.dropFirst(Self.prefix).prefix(2)) == [0x08, 0x01]
        return .answered(passed: isServing, reason: isServing ? "SERVING" : "not SERVING")
    }

    private func flush(_ now: Instant) {
        while true {
            let hasMore = session.send(into: scratch.output, budget: Self.budget, now: now)
            for piece in scratch.output.pieces {
                switch piece {
                case .wire(let range): outbox += scratch.output.bytes[Int(range.start)..<Int(range.end)]
                case .payload(_, let count):
                    outbox += request.prefix(count)
                    request.removeFirst(min(count, request.count))
                }
            }
            if !hasMore { return }
        }
    }
}
