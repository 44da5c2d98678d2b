package import Routing
package import Telemetry

/// What a loop tells when asked.
package struct WorkerReport: Sendable {
    package var worker = 0
    package var epoch: Epoch = 0
    package var downstreamConnections = 0
    /// Those of them that speak HTTP/2, and their open streams.
    package var http2Connections = 0
    package var http2Streams = 0
    package var tunnels = 0
    package var exchangesInFlight = 0
    package var idleUpstreamConnections = 0
    package var acceptedConnections: UInt64 = 0
    /// TLS handshakes that were completed with clients.
    package var handshakes: UInt64 = 0
    /// Of `handshakes`, those that resumed a session.
    package var resumedHandshakes: UInt64 = 0
    package var failedHandshakes: UInt64 = 0
    /// Connections closed at once because their client began too many in that second.
    package var refusedByRate: UInt64 = 0
    /// Connections closed because they did not begin with a valid PROXY header where they had to.
    package var refusedProxyHeaders: UInt64 = 0
    package var requests: UInt64 = 0
    /// Responses by class: index 1...5.
    package var responses: [UInt64] = Array(repeating: 0, count: 6)
    /// Indexed by `Target.ordinal`.
    package var targets: [TargetReport] = []
    /// How long exchanges took, from the end of the request head to the end of the response, indexed by `Pool.ordinal`; tunnels are not among
    /// them. nil = there were none.
    package var pools: [LatencyHistogram?] = []
    package init() {}
}

package struct TargetReport: Sendable {
    package var requests: UInt64 = 0
    /// Exchanges that ended by the target's fault (connect refused, reset, garbage, too slow).
    package var failures: UInt64 = 0
    package var idleConnections = 0
    package init() {}
}
