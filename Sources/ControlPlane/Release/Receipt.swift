internal import DataPlane

/// The proof that a command prints: what was switched, when, and what is still in flight. Encoded as JSON with snake_case keys.
struct Receipt: Encodable, Sendable {
    struct Acknowledgement: Encodable, Sendable {
        var loop: Int
        /// From the publish on; nil = silent until the deadline.
        var microseconds: Int?
    }

    struct PoolInFlight: Encodable, Sendable {
        var service: String
        var pool: String
        var exchanges: Int
    }

    /// "done", "unconfirmed" (a loop kept silent), "not-drained".
    var outcome: String
    /// What the CLI exits with: 0, 8, 9.
    var exitCode: Int32
    var command: String
    var service: String?
    /// The epoch from which on the command is in force.
    var epoch: UInt64
    /// The journal's record; nil when nothing changed.
    var sequence: UInt64?
    /// RFC 3339: when the epoch was published.
    var time: String
    /// False = it was so already.
    var changed: Bool
    /// Percent by pool.
    var split: [String: Double]?
    var previousSplit: [String: Double]?
    var acknowledgements: [Acknowledgement]
    /// On what lost traffic, when the receipt was written.
    var inFlight: [PoolInFlight]
    /// Who still holds it, when a wait ended without.
    var holders: [HolderReport]?
    var notes: [String]
}

/// An exchange that keeps a drain waiting.
struct HolderReport: Encodable, Sendable {
    var service: String
    var pool: String
    var target: String
    var client: String
    /// Its place in the file, or "default".
    var route: String
    var ageMilliseconds: Int
    var bytesIn: UInt64
    var bytesOut: UInt64
    var isTunnel: Bool
    var requestID: String
}

extension HolderReport {
    init(_ holder: Holder) {
        service = holder.service
        pool = holder.pool
        target = holder.target
        client = holder.client
        route = holder.route
        ageMilliseconds = Int(clamping: Int64(holder.age / .milliseconds(1)))
        bytesIn = holder.bytesIn
        bytesOut = holder.bytesOut
        isTunnel = holder.isTunnel
        requestID = holder.requestID
    }
}
