internal import Routing

/// What one loop has counted since it started; merged with the others' when somebody asks.
struct LoopCounters {
    var downstreamConnections = 0
    var tunnels = 0
    var accepted: UInt64 = 0
    var requests: UInt64 = 0
    /// By class of status: index 1...5.
    var responses: [UInt64] = Array(repeating: 0, count: 6)
    /// By `Target.ordinal`.
    private(set) var targets: [TargetReport] = []

    mutating func counted(_ status: UInt16) {
        requests &+= 1
        let category = Int(status / 100)
        if category < responses.count { responses[category] &+= 1 }
    }

    mutating func counted(_ target: Target, failed: Bool) {
        let ordinal = target.ordinal
        while targets.count <= ordinal { targets.append(TargetReport()) }
        targets[ordinal].requests &+= 1
        if failed { targets[ordinal].failures &+= 1 }
    }
}
