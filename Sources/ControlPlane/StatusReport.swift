/// `GET /v1/status`, in the words of the lexicon; keys become snake_case.
package struct StatusReport: Encodable, Sendable {
    package var version: String
    package var pid: Int32
    /// Seconds.
    package var uptime: Double
    package var epoch: UInt64
    package var state: ServingState.Phase
    package var config: ConfigStatus
    package var workers: [WorkerStatus]
    package var listeners: [ListenerStatus]
    package var services: [ServiceStatus]
    /// Targets that left the configuration and are still held by exchanges or tunnels.
    package var retired: [RetiredStatus]
    /// Who keeps a drain waiting, oldest first: exchanges on what takes no new ones.
    var holders: [HolderReport]?
    package var droppedLogLines: UInt64
    package var keyFiles = KeyFilesStatus()
}

package struct ConfigStatus: Encodable, Sendable {
    package var file: String
    package var lastReload: ReloadStatus?
}

package struct ReloadStatus: Encodable, Sendable {
    /// RFC 3339.
    package var time: String
    package var ok: Bool
    package var error: String?
}

package struct WorkerStatus: Encodable, Sendable {
    package var index: Int
    /// False: the loop did not answer in time, and the rest is missing.
    package var answering: Bool
    package var epoch: UInt64?
    package var connections: Int?
    /// Of `connections`, those that speak HTTP/2.
    package var http2: HTTP2Status?
    package var tunnels: Int?
    package var inFlight: Int?
    package var idleUpstream: Int?
    package var accepted: UInt64?
    package var tls: HandshakeStatus?
    /// Connections closed at once because their client began too many in that second (`handshakes_per_client`).
    package var refusedByRate: UInt64?
    /// Connections closed for their PROXY header.
    package var refusedProxyHeaders: UInt64?
    package var requests: UInt64?
    /// Responses by class: "1xx" … "5xx".
    package var responses: [String: UInt64]?
}

/// HTTP/2 with clients, now.
package struct HTTP2Status: Encodable, Sendable {
    package var connections: Int
    package var streams: Int
}

/// TLS handshakes with clients.
package struct HandshakeStatus: Encodable, Sendable {
    package var completed: UInt64
    /// Of `completed`, those that resumed a session.
    package var resumed: UInt64
    package var failed: UInt64
}

package struct ListenerStatus: Encodable, Sendable {
    package var name: String
    /// As in the file.
    package var bind: String
    /// As the kernel has it: the real port where the file says 0.
    package var address: String
    package var connections: Int
    /// "h2", "http/1.1", "h2c"; the best first.
    package var protocols: [String] = []
    /// nil: without TLS. The first is for clients that name no host of ours.
    package var certificates: [CertificateStatus]?
    package var keyRefusal: KeyRefusalStatus?
}

package struct ServiceStatus: Encodable, Sendable {
    package var name: String
    package var balance: String
    /// In flight now, all pools.
    package var inFlight: Int
    package var queued: Int
    /// Requests that a pause holds.
    package var held = 0
    /// A deployment under way, and what it is doing.
    package var deployment: String?
    /// The live split, percent by pool.
    package var split: [String: Double]
    /// The file's; another one than `split` after a command.
    package var fileSplit: [String: Double]
    /// What commands changed; absent = nothing.
    package var release: ReleaseReport?
    /// What of it has no effect, because the file no longer has the pool or target.
    package var notes: [String]
    package var pools: [PoolStatus]
}

package struct PoolStatus: Encodable, Sendable {
    package var name: String
    /// Percent of the service's live split.
    package var share: Double
    package var inFlight: Int
    /// Since the pool came into the configuration; absent before its first response.
    package var latencyMs: LatencyStatus?
    package var keyRefusal: KeyRefusalStatus?
    package var targets: [TargetStatus]
}

/// How long exchanges took, from the end of the request head to the end of the response: milliseconds, within 1.6 %. Tunnels are not among
/// them.
package struct LatencyStatus: Encodable, Sendable {
    package var count: UInt64
    package var p50: Double
    package var p90: Double
    package var p99: Double
    package var max: Double
}

package struct TargetStatus: Encodable, Sendable {
    /// As in the file.
    package var target: String
    /// As resolved.
    package var address: String
    package var weight: Int
    /// "ready", "draining" or "maintenance".
    package var state: String
    /// Takes no traffic because its health checks fail, or have not passed yet.
    package var failing: Bool
    package var inFlight: Int
    package var requests: UInt64
    package var failures: UInt64
    package var idleConnections: Int
    /// nil: not checked.
    package var health: HealthStatus?
}

package struct HealthStatus: Encodable, Sendable {
    /// "unknown", "healthy", "unhealthy".
    package var state: String
    /// RFC 3339.
    package var since: String
    /// Results in a row that speak against the state, and how many change it.
    package var contrary: Int
    package var needed: Int
    /// The last five, oldest first.
    package var checks: [CheckStatus]
}

package struct CheckStatus: Encodable, Sendable {
    /// RFC 3339.
    package var time: String
    package var ok: Bool
    /// "200", "status 503", "connect refused", "timeout" …
    package var reason: String
    package var milliseconds: Double
}

package struct RetiredStatus: Encodable, Sendable {
    package var service: String
    package var pool: String
    package var target: String
    package var inFlight: Int
}
