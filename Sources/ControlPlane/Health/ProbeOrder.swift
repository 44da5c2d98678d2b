internal import Config
internal import Glibc
internal import Net
internal import Routing
internal import TLS

/// What to ask a target, and what answer passes.
struct ProbeOrder: Sendable, Equatable {
    enum Question: Sendable, Equatable {
        /// A connect that succeeds passes.
        case connect
        /// GET; a status that is expected passes.
        case http(path: String, host: String, expect: [ClosedRange<Int>])
        /// `grpc.health.v1.Health/Check`; SERVING passes.
        /// - Parameter service: empty = the server as a whole.
        case grpc(service: String, host: String)
    }

    var address: SocketAddress
    /// As its exchanges are, from its PROXY header on; a connect alone needs no TLS.
    var wire = TargetWire.plain
    var question: Question
    /// From the start of the connect to the end of the answer's head.
    var timeout: TimeSpan

    static func == (a: ProbeOrder, b: ProbeOrder) -> Bool {
        a.address == b.address && a.question == b.question && a.timeout == b.timeout && a.wire.isHTTP2 == b.wire.isHTTP2
            && a.wire.tls === b.wire.tls && a.wire.peer == b.wire.peer && a.wire.proxyHeader == b.wire.proxyHeader
    }
}

extension ProbeOrder {
    init(_ identity: TargetIdentity, _ wire: TargetWire, _ check: HealthConfiguration) {
        let question: Question =
            switch check.check {
            case .tcp: .connect
            case .http: .http(path: check.path, host: Self.host(identity, check), expect: check.expect)
            case .grpc: .grpc(service: check.service, host: Self.host(identity, check))
            }
        self.init(address: identity.address, wire: wire, question: question, timeout: TimeSpan(check.timeout))
    }

    private static func host(_ identity: TargetIdentity, _ check: HealthConfiguration) -> String {
        if let host = check.host { return host }
        // The path of a socket is no host (RFC 9110 §7.2).
        if case .unix = identity.address { return "localhost" }
        return identity.text
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
