/// What the texts need of a receipt. Unknown members are ignored, and nearly all may be missing: a newer proxy may say it otherwise.
struct ReceiptView: Decodable {
    struct Acknowledgement: Decodable {
        var loop: Int
        var microseconds: Int?
    }

    struct PoolInFlight: Decodable {
        var service: String
        var pool: String
        var exchanges: Int
    }

    struct Holder: Decodable {
        var service: String?
        var pool: String?
        var target: String?
        var client: String?
        var route: String?
        var ageMilliseconds: Int?
        var bytesIn: UInt64?
        var bytesOut: UInt64?
        var isTunnel: Bool?
        var requestID: String?

        enum CodingKeys: String, CodingKey {
            case service, pool, target, client, route, ageMilliseconds, bytesIn, bytesOut, isTunnel
            // What `convertFromSnakeCase` makes of "request_id".
            case requestID = "requestId"
        }
    }

    var outcome: String
    var exitCode: Int32?
    var command: String?
    var service: String?
    var epoch: UInt64
    var sequence: UInt64?
    var time: String?
    var changed: Bool?
    var split: [String: Double]?
    var previousSplit: [String: Double]?
    var acknowledgements: [Acknowledgement]?
    var inFlight: [PoolInFlight]?
    var holders: [Holder]?
    var notes: [String]?
}

/// RFC 9457, with our own members.
struct ProblemView: Decodable {
    struct Diagnostic: Decodable {
        var text: String
    }

    struct Target: Decodable {
        var target: String
        var reason: String
    }

    var title: String?
    var detail: String?
    var hint: String?
    var exitCode: Int32?
    var diagnostics: [Diagnostic]?
    var targets: [Target]?
}
