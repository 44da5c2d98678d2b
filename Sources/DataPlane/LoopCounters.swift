internal import Net
internal import Routing
internal import Telemetry

/// What one loop has counted since it started; merged with the others' when somebody asks.
struct LoopCounters {
    var downstreamConnections = 0
    var tunnels = 0
    var http2Connections = 0
    var http2Streams = 0
    var accepted: UInt64 = 0
    var handshakes: UInt64 = 0
    var resumedHandshakes: UInt64 = 0
    var failedHandshakes: UInt64 = 0
    /// Connections closed at once because their client began too many in that second.
    var refusedByRate: UInt64 = 0
    var refusedProxyHeaders: UInt64 = 0
    var requests: UInt64 = 0
    /// By class of status: index 1...5.
    var responses: [UInt64] = Array(repeating: 0, count: 6)
    /// By `Target.ordinal`.
    private(set) var targets: [TargetReport] = []
    /// Whose each row of `targets` is: `Target.serial`.
    private var owners: [UInt64] = []
    /// How long exchanges took, by `Pool.ordinal`; nil = there were none.
    private(set) var pools: [LatencyHistogram?] = []

    /// Rows whose number has a new owner begin at zero, those of pools that left are given up. Nobody counts for the former owner any more:
    /// an ordinal is given again only when nothing refers to its target.
    mutating func adopt(_ snapshot: Snapshot) {
        var kept = [LatencyHistogram?](repeating: nil, count: pools.count)
        for service in snapshot.services {
            for pool in service.pools {
                if pool.ordinal < pools.count { swap(&kept[pool.ordinal], &pools[pool.ordinal]) }
                for member in pool.members { own(member.target) }
            }
        }
        pools = kept
    }

    private mutating func own(_ target: Target) {
        while owners.count <= target.ordinal { owners.append(0) }
        guard owners[target.ordinal] != target.serial else { return }
        owners[target.ordinal] = target.serial
        if target.ordinal < targets.count { targets[target.ordinal] = TargetReport() }
    }

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

    mutating func took(_ span: TimeSpan, in pool: Pool) {
        let ordinal = pool.ordinal
        if ordinal >= pools.count || pools[ordinal] == nil { addHistogram(ordinal) }
        pools[ordinal]?.record(microseconds: span.microseconds)
    }

    @inline(never)
    private mutating func addHistogram(_ ordinal: Int) {
        while pools.count <= ordinal { pools.append(nil) }
        pools[ordinal] = LatencyHistogram()
    }
}
