internal import HTTP
internal import Net

/// What is said on a probe's connection once it is there: bytes in, bytes out, a verdict. One probe's; no socket.
class ProbeTalk {
    enum Progress: Equatable {
        case needMore
        case answered(passed: Bool, reason: String)
        /// Nothing that comes later can make an answer of it.
        case refused(String)
    }

    /// To be sent; the probe takes from its front.
    final var outbox: [UInt8]
    /// Bytes of the target have come.
    final var hasBegun = false

    init(outbox: [UInt8]) { self.outbox = outbox }

    func read(_ bytes: UnsafeRawBufferPointer, now: Instant) -> Progress { .needMore }

    /// The answer is known: leaves a last word in `outbox`, where the protocol has one.
    func leave(now: Instant) {}

    static func judge(_ status: Int, _ expect: [ClosedRange<Int>]) -> Progress {
        let passed = expect.contains { $0.contains(status) }
        return .answered(passed: passed, reason: passed ? "\(status)" : "status \(status)")
    }
}

/// GET over HTTP/1.1.
final class H1ProbeTalk: ProbeTalk {
    private let expect: [ClosedRange<Int>]
    private var reader = StatusReader()

    init(path: String, host: String, expect: [ClosedRange<Int>]) {
        self.expect = expect
        let lines = ["GET \(path) HTTP/1.1", "Host: \(host)", "User-Agent: sluice-health", "Accept: */*", "Connection: close", "", ""]
        super.init(outbox: Array(lines.joined(separator: "\r\n").utf8))
    }

    override func read(_ bytes: UnsafeRawBufferPointer, now: Instant) -> Progress {
        hasBegun = hasBegun || !bytes.isEmpty
        switch reader.read(bytes) {
        case .needMore: return .needMore
        case .refused(let reason): return .refused(reason)
        case .status(let status): return Self.judge(status, expect)
        }
    }
}
