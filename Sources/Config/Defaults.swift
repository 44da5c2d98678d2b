/// Every default and limit in one table, with its reason.
package enum Defaults {
    package static let stateDirectory = "/var/lib/sluice"
    package static let adminSocket = "/run/sluice/admin.sock"
    package static let lameDuck = Duration.zero
    package static let drainTimeout = Duration.seconds(30)
    package static let connectTimeout = Duration.seconds(3)
    package static let requestHeaderTimeout = Duration.seconds(10)
    package static let responseHeaderTimeout = Duration.seconds(60)
    package static let idleTimeout = Duration.seconds(60)
    package static let keepaliveTimeout = Duration.seconds(75)
    /// A quiet WebSocket is normal; a minute of silence is not a failure (the classic 60 s pain). TCP keep-alive finds dead peers earlier.
    package static let tunnelTimeout = Duration.seconds(3600)
    package static let headerBytes = 64 * 1024
    package static let headerCount = 100
    package static let bodyBytes: UInt64 = 0
    package static let connections = 0
    package static let retryAttempts = 1
    package static let minHealthy = 1
    package static let healthInterval = Duration.seconds(2)
    package static let healthTimeout = Duration.seconds(1)
    package static let healthRise = 2
    package static let healthFall = 3
    package static let pauseMaxWait = Duration.seconds(20)
    package static let pauseRequests = 10_000
    package static let pauseBytes = 64 * 1024 * 1024
    package static let queueTimeout = Duration.seconds(1)
    package static let serviceDrainTimeout = Duration.seconds(30)
    package static let tunnelDrainTimeout = Duration.seconds(600)
    /// Temporary and method-keeping: a browser remembers a permanent redirect for ever, so that must be said.
    package static let redirectStatus = 307
    package static let respondStatus = 200
    package static let respondContentType = "text/plain; charset=utf-8"
    package static let handshakeTimeout: Duration = .seconds(10)
    package static let handshakeRate = 0
    /// What browsers' preload lists ask for.
    package static let hstsMaxAge: Duration = .seconds(365 * 86_400)
    package static let http2MaxStreams = 128
    package static let http2StreamWindow = 256 * 1024
    package static let http2ConnectionWindow = 1024 * 1024
    package static let http2ResetsPerSecond = 40
    package static let http2ControlFramesPerSecond = 100
    package static let http2PingInterval: Duration = .seconds(30)
    package static let http2PingTimeout: Duration = .seconds(10)

    /// What a configuration file may say at most, and how much of a file is read at all.
    package enum Bounds {
        package static let workers = 1...256
        package static let targetWeight = 1...1000
        /// Pools of one service; a thousand versions at once are a mistake, and sharing is quadratic in the worst case.
        package static let sharedPools = 1000
        /// A request line and a few fields fit into 1 KiB; above 1 MiB a head is an attack.
        package static let headerBytes = 1024...1024 * 1024
        package static let headerCount = 8...1024
        package static let connections = 0...10_000_000
        package static let maxRequests = 0...10_000_000
        package static let queue = 0...1_000_000
        package static let retryAttempts = 0...16
        /// 0: a pool needs no healthy target to be given traffic.
        package static let minHealthy = 0...10_000
        package static let healthCount = 1...100
        /// Statuses that a probe may wait for; interim ones never end it.
        package static let healthStatuses = 200...599
        package static let pauseRequests = 1...10_000_000
        /// One head of the default size must fit; above 16 GiB it is no longer a buffer.
        package static let pauseBytes = 64 * 1024...16 * 1024 * 1024 * 1024
        package static let rules = 1000
        /// More than ten thousand exchanges on one connection belong on several.
        package static let http2Streams = 1...10_000
        /// What every peer may send before it has read our settings (RFC 9113 §6.9.2), to the largest window there is (§6.9.1).
        package static let http2Window = 65_535...Int(Int32.max)
        package static let http2Rate = 1...1_000_000
        package static let handshakesPerClient = 0...1_000_000
        /// Certificates of one listener.
        package static let certificates = 1000
        /// Inclusive. Browsers cut longer ones themselves.
        package static let hstsMaxAge = Duration.seconds(3650 * 86_400)
        /// Exclusive. Longer is a slip of the pen, and keeps every sum of durations far from overflow.
        package static let duration = Duration.seconds(365 * 86_400)
        /// `sun_path` holds 108 bytes with its NUL.
        package static let socketPathBytes = 107
        /// PATH_MAX without its NUL.
        package static let pathBytes = 4095
        /// A fixed answer is kept in memory by every snapshot; larger ones belong on a file server.
        package static let respondBodyBytes = 64 * 1024
        package static let nameBytes = 63
        /// Of the file, and once more of the text after environment expansion.
        package static let fileBytes = 4 * 1024 * 1024
        package static let depth = 64
        package static let nodes = 200_000
        /// Errors shown, and as many warnings.
        package static let diagnostics = 200
    }
}
