internal import HTTP
internal import Net
internal import Routing

/// One request of HTTP/2 as a check needs it: the status of its answer. Keeps the bytes that are to be sent. Confined to its loop.
final class ProbeStream {
    /// Of one answer; what comes beyond waits with the target.
    private static let limits = H2Limits()

    private let session: H2Session
    private let output = H2Output()
    /// To be sent, the first byte first.
    private(set) var unsent: [UInt8] = []
    private(set) var hasBegun = false

    /// nil when there is no memory.
    init?(_ fields: [(name: String, value: String)], now: Instant) {
        guard let session = try? H2Session(role: .client, limits: Self.limits, now: now) else { return nil }
        self.session = session
        let list = H2FieldList()
        for (name, value) in fields {
            Array(name.utf8).withUnsafeBytes { name in Array(value.utf8).withUnsafeBytes { list.add(name, $0) } }
        }
        guard session.request(list, ends: true, user: 0) != nil else { return nil }
        gather(now)
    }

    /// The kernel took so many of `unsent`.
    func sent(_ count: Int) { unsent.removeFirst(min(count, unsent.count)) }

    func read(_ bytes: UnsafeRawBufferPointer, now: Instant) -> StatusReader.Progress {
        hasBegun = true
        var rest = bytes
        var found: StatusReader.Progress = .needMore
        while !rest.isEmpty, found == .needMore {
            guard let count = try? session.receive(rest, now: now) else { return .refused("no HTTP/2 answer") }
            while let event = session.nextEvent() { found = found == .needMore ? judge(event) : found }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        gather(now)
        return found
    }

    /// A word that we go, behind what is to be sent.
    func sayGoodbye(now: Instant) {
        session.beginDrain()
        gather(now)
    }

    // MARK: - Private

    private func judge(_ event: H2Event) -> StatusReader.Progress {
        switch event {
        case .response(_, let head): .status(Int(session.heads[head].status))
        case .closed(_, let code, _): .refused("stream reset: \(code)")
        case .goAway(let last, let code) where last == 0: .refused("GOAWAY: \(code)")
        case .request, .interim, .data, .trailers, .end, .goAway, .settings, .pong: .needMore
        }
    }

    private func gather(_ now: Instant) {
        var hasMore = true
        while hasMore {
            hasMore = session.send(into: output, budget: 16 * 1024, now: now)
            // There is no content: all is the session's own.
            for case .wire(let range) in output.pieces { unsent += output.bytes[Int(range.start)..<Int(range.end)] }
            if output.count == 0 { return }
        }
    }
}

/// What is said to a target, in its protocol, and what it answers.
enum ProbeTalk {
    case http1(unsent: [UInt8], StatusReader)
    case http2(ProbeStream)
}

extension ProbeTalk {
    /// nil when there is no memory.
    init?(_ question: ProbeOrder.HTTPQuestion, _ wire: TargetWire, now: Instant) {
        guard wire.isHTTP2 else {
            self = .http1(unsent: question.request, StatusReader())
            return
        }
        guard let stream = ProbeStream(question.fields(isSecure: wire.tls != nil), now: now) else { return nil }
        self = .http2(stream)
    }

    var unsent: [UInt8] {
        switch self {
        case .http1(let unsent, _): unsent
        case .http2(let stream): stream.unsent
        }
    }

    /// Something of the answer has come.
    var hasBegun: Bool {
        switch self {
        case .http1(_, let reader): reader.hasBegun
        case .http2(let stream): stream.hasBegun
        }
    }

    mutating func sent(_ count: Int) {
        switch self {
        case .http1(var unsent, let reader):
            unsent.removeFirst(min(count, unsent.count))
            self = .http1(unsent: unsent, reader)
        case .http2(let stream): stream.sent(count)
        }
    }

    mutating func read(_ bytes: UnsafeRawBufferPointer, now: Instant) -> StatusReader.Progress {
        switch self {
        case .http1(let unsent, var reader):
            let progress = reader.read(bytes)
            self = .http1(unsent: unsent, reader)
            return progress
        case .http2(let stream): return stream.read(bytes, now: now)
        }
    }

    func sayGoodbye(now: Instant) {
        if case .http2(let stream) = self { stream.sayGoodbye(now: now) }
    }
}
