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
    struct Listener: Decodable {
        var name: String
        var address: String
        var connections: Int
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
                /// nil: not checked.
                var health: Health?
            }
            var name: String
            var share: Double
            var targets: [Target]
        }
        var name: String
        var balance: String
        var pools: [Pool]
    }
    struct Health: Decodable {
        struct Check: Decodable {
            var ok: Bool
            var reason: String
        }
        var state: String
        var contrary: Int
        var needed: Int
        var checks: [Check]
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
    var droppedLogLines: UInt64
}
