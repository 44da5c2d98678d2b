internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// A snapshot's limits and timeouts in the form that loops use: machine words, read per request.
struct LoopSettings {
    var limits: HeadLimits
    var bodyBytes: UInt64
    var connections: Int
    var requestHeader: TimeSpan
    var keepalive: TimeSpan
    var idle: TimeSpan
    var logFormat: LogFormat

    init(_ snapshot: Snapshot) {
        limits = HeadLimits(bytes: snapshot.limits.headerBytes, fields: snapshot.limits.headerCount)
        bodyBytes = snapshot.limits.bodyBytes
        connections = snapshot.limits.connections
        requestHeader = snapshot.timeouts.requestHeader
        keepalive = snapshot.timeouts.keepalive
        idle = snapshot.timeouts.idle
        logFormat = LogFormat(rawValue: snapshot.accessLog.rawValue) ?? .off
    }

    /// A client that shuts its writing side may have gone for good; TCP does not tell the two apart. It gets this long for its answer to
    /// begin, then its request is taken back from the upstream (docs/decisions).
    static let halfCloseGrace = TimeSpan.milliseconds(1000)
    /// After our last byte: how long unread bytes of the client are thrown away, so that no reset overtakes the answer (RFC 9112 §9.6).
    static let lingerTime = TimeSpan.milliseconds(2000)
    /// Between the order to drain and the close of idle connections: a request under way in the network still gets its answer.
    static let idleGrace = TimeSpan.milliseconds(500)
    /// How long accepting rests when descriptors have run out.
    static let acceptPause = TimeSpan.milliseconds(100)
    /// Kept-alive upstream connections per target and loop.
    static let idleUpstreamConnections = 1024
    /// Interim responses in front of one final one; more is an upstream out of its mind.
    static let interimResponses = 16
    /// Requests that one client's pipeline may have served in one turn before others get theirs.
    static let pipelinedPerTurn = 32
}
