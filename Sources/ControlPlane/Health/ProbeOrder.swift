internal import Config
internal import Glibc
internal import Net
internal import Routing

/// What to ask a target, and what answer passes.
struct ProbeOrder: Sendable, Equatable {
    enum Question: Sendable, Equatable {
        /// A connect that succeeds passes.
        case connect
        case http(request: [UInt8], expect: [ClosedRange<Int>])
    }

    var address: SocketAddress
    /// What the target wants to hear first, of whatever kind the question is.
    var proxyHeader = TargetWire.ProxyHeader.none
    var question: Question
    /// From the start of the connect to the end of the answer's head.
    var timeout: TimeSpan
}

extension ProbeOrder {
    init(_ identity: TargetIdentity, _ wire: TargetWire, _ check: HealthConfiguration) {
        let question: Question =
            switch check.check {
            case .tcp: .connect
            case .http: .http(request: Self.request(identity, check), expect: check.expect)
            }
        self.init(address: identity.address, proxyHeader: wire.proxyHeader, question: question, timeout: TimeSpan(check.timeout))
    }

    private static func request(_ identity: TargetIdentity, _ check: HealthConfiguration) -> [UInt8] {
        var host = check.host ?? identity.text
        // The path of a socket is no host (RFC 9110 §7.2).
        if check.host == nil, case .unix = identity.address { host = "localhost" }
        let lines = [
            "GET \(check.path) HTTP/1.1", "Host: \(host)", "User-Agent: sluice-health", "Accept: */*", "Connection: close", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
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
