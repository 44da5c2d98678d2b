/// What the tables need of `GET /v1/status`. Unknown members are ignored: a newer proxy may say more.
struct StatusView: Decodable {
    struct Config: Decodable {
        struct Reload: Decodable {
            var time: String
            var ok: Bool
            var error: String?
        }
        var file: String
        var lastReload: Reload?
    }
    struct Worker: Decodable {
        var index: Int
        var answering: Bool
        var epoch: UInt64?
        var connections: Int?
        var tunnels: Int?
        var inFlight: Int?
        var idleUpstream: Int?
        var requests: UInt64?
    }
    struct KeyRefusal: Decodable {
        var time: String
        var reasons: [String]
    }
    struct Listener: Decodable {
        struct Certificate: Decodable {
            var names: [String]
            var keyType: String
            var notAfter: String
            /// Seconds.
            var expiresIn: Int64
            /// Set where an OCSP response goes with it.
            var stapleUntil: String?
            var stapleError: String?
        }
        var name: String
        var address: String
        var connections: Int
        var protocols: [String]?
        var certificates: [Certificate]?
        /// Changed key files that are not used.
        var keyRefusal: KeyRefusal?
    }
    struct Service: Decodable {
        struct Pool: Decodable {
            struct Target: Decodable {
                var target: String
                var weight: Int
                var inFlight: Int
                var requests: UInt64
                var failures: UInt64
                var idleConnections: Int
                /// "ready", "draining", "maintenance".
                var state: String?
                /// Takes no traffic because its checks fail, or have not passed yet.
                var failing: Bool?
                /// "healthy", "unhealthy", "unknown"; or an object that has it as `state`.
                var health: JSONValue?
            }
            var name: String
            var share: Double
            /// What its requests really were, in percent.
            var measuredShare: Double?
            var keyRefusal: KeyRefusal?
            var targets: [Target]
        }
        /// What commands changed.
        struct Release: Decodable {
            struct Pause: Decodable {
                var maxWaitMilliseconds: Int?
            }

            var pause: Pause?
        }

        var name: String
        var balance: String
        /// Requests that a pause holds.
        var held: Int?
        /// The file's split, in percent, pools without a share left out; the live one stands with the pools.
        var fileSplit: [String: Double]?
        var release: Release?
        /// What of the release state has no effect.
        var notes: [String]?
        var pools: [Pool]
    }
    struct Retired: Decodable {
        var service: String
        var pool: String
        var target: String
        var inFlight: Int
    }

    var version: String
    var pid: Int32
    var uptime: Double
    var epoch: UInt64
    var state: String
    var config: Config
    var workers: [Worker]
    var listeners: [Listener]
    var services: [Service]
    var retired: [Retired]
    /// Who keeps a drain waiting.
    var holders: [ReceiptView.Holder]?
    var droppedLogLines: UInt64
}
