internal import Config
internal import Glibc
internal import Net
internal import Routing

/// What to ask a target, and what answer passes.
struct ProbeOrder: Sendable {
    enum Question: Sendable, Equatable {
        /// A connect that succeeds passes, whatever would be spoken over it.
        case connect
        case http(HTTPQuestion)
    }

    struct HTTPQuestion: Sendable, Equatable {
        var host: String
        var path: String
        var expect: [ClosedRange<Int>]
    }

    var address: SocketAddress
    /// How the target is spoken to, as in traffic.
    var wire = TargetWire.plain
    var question: Question
    /// From the start of the connect to the end of the answer's head.
    var timeout: TimeSpan
}

extension ProbeOrder {
    init(_ identity: TargetIdentity, _ wire: TargetWire, _ check: HealthConfiguration) {
        let question: Question =
            switch check.check {
            case .tcp: .connect
            case .http: .http(.init(host: Self.host(identity, check), path: check.path, expect: check.expect))
            }
        self.init(address: identity.address, wire: wire, question: question, timeout: TimeSpan(check.timeout))
    }

    private static func host(_ identity: TargetIdentity, _ check: HealthConfiguration) -> String {
        // The path of a socket is no host (RFC 9110 §7.2).
        if check.host == nil, case .unix = identity.address { return "localhost" }
        return check.host ?? identity.text
    }
}

extension ProbeOrder.HTTPQuestion {
    private static let agent = "sluice-health"

    /// As HTTP/1.1.
    var request: [UInt8] {
        let lines = ["GET \(path) HTTP/1.1", "Host: \(host)", "User-Agent: \(Self.agent)", "Accept: */*", "Connection: close", "", ""]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// As HTTP/2.
    func fields(isSecure: Bool) -> [(name: String, value: String)] {
        [
            (":method", "GET"), (":scheme", isSecure ? "https" : "http"), (":authority", host), (":path", path),
            ("user-agent", Self.agent), ("accept", "*/*"),
        ]
    }
}

/// What became of a probe.
struct ProbeResult: Sendable, Equatable {
    enum Verdict: Sendable, Equatable {
        case passed, failed
        /// It could not be made for a reason of our own (no descriptors, no ports, no memory): says nothing about the target.
        case none
    }

    var verdict: Verdict
    /// "200", "status 503", "connect refused", "timeout".
    var reason: String
    var duration: TimeSpan
}

extension ProbeResult {
    /// A failed connect in an operator's words, and whether it is the target's fault.
    static func verdict(ofConnect code: Int32) -> (Verdict, String) {
        switch code {
        case ECONNREFUSED: (.failed, "connect refused")
        case ETIMEDOUT: (.failed, "connect timeout")
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN: (.failed, "connect: no route")
        case ECONNRESET, ECONNABORTED: (.failed, "connect reset")
        case ENOENT: (.failed, "connect: no such socket")
        case EAGAIN: (.failed, "connect: its queue is full")
        case EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL: (.none, "cannot connect: \(text(code))")
        default: (.failed, "connect: \(text(code))")
        }
    }

    private static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
