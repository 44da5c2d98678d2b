internal import Policy

/// What an operator orders: a command, and under which conditions. Comes from the admin API; runs on the control queue.
struct ReleaseOrder: Sendable {
    var command: ReleaseCommand
    /// Passes over the preflight, and over the lock of a deployment under way (which it ends).
    var isForced = false
    /// The epoch that the operator saw; another one refuses the order (`If-Match`, `--if-epoch`).
    var ifEpoch: UInt64?
    var reason: String?
    /// For the journal: see `ReleaseRecord.actor`.
    var actor: String
}

/// The verbs that switch. Places are "POOL" or "POOL/ADDRESS" of the service, as `ServiceRelease.Place`.
enum ReleaseCommand: Sendable, Equatable {
    /// - pool: nil = the other one of two.
    /// - waitDrained: answer only when the pools that lost traffic hold nothing any more, or this has passed (exit 9).
    case flip(service: String, pool: String?, waitDrained: Duration?)
    /// Weights in proportion: as parts per million.
    case split(service: String, shares: [ServiceRelease.Share], waitDrained: Duration?)
    /// The file's split becomes the live one.
    case adoptFile(service: String)
    /// The split before the last change.
    case rollback(service: String)
    /// nil = the file's (`PauseConfiguration`). `wait`: until nothing is in flight any more (exit 9).
    case pause(service: String, maxWait: Duration?, requests: Int?, bytes: Int?, wait: Duration?)
    /// - ramp: over how long the held requests are let go.
    case resume(service: String, ramp: Duration?)
    case close(service: String, places: [ServiceRelease.Place], as: ServiceRelease.AdminState, wait: Duration?)
    case open(service: String, places: [ServiceRelease.Place])
    case addTarget(service: String, pool: String, address: String, weight: Int)
    case removeTarget(service: String, pool: String, address: String, wait: Duration?)
    case setWeight(service: String, pool: String, address: String, weight: Int)
    /// - to: the state as it was right after that record (0 = before the first); nil = takes the newest change back.
    case undo(to: UInt64?)
    case deploy(DeployOrder)
}

struct DeployOrder: Sendable, Equatable {
    enum Strategy: String, Sendable {
        case blueGreen = "blue-green"
        case rolling
    }

    var service: String
    /// The pool that takes over.
    var pool: String
    /// What that pool consists of afterwards; empty = as it is.
    var targets: [String]
    var strategy: Strategy
    /// Until the new targets are healthy.
    var wait: Duration
    /// Until the old pool is drained.
    var drain: Duration
}
