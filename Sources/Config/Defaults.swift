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
    package static let headerCount = 128
    package static let bodyBytes: UInt64 = 0
    package static let connections = 0
    package static let retryAttempts = 1
    package static let queueTimeout = Duration.seconds(1)
    package static let serviceDrainTimeout = Duration.seconds(30)
    package static let tunnelDrainTimeout = Duration.seconds(600)
}
