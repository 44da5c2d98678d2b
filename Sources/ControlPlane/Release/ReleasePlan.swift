internal import Policy
internal import Routing

/// What an order comes down to: the release state of some services, before and after. A value; making one touches nothing.
struct ReleasePlan {
    /// What a wait waits for.
    enum Watch {
        case nothing
        /// Pools that the split gives nothing any more.
        case idlePools
        case places([ServiceRelease.Place])
        case everything
    }

    /// Empty = it is so already.
    var changes: [ReleaseRecord.ServiceChange]
    var undoes: UInt64?
    /// All that the order is about, changed or not.
    var services: [String]
    /// As one would type it.
    var command: String
    var watch = Watch.nothing
    var wait: Duration?
    /// Over how long what a pause held is let go; nil = as usual.
    var ramp: Duration?
    var notes: [String] = []

    /// Of one service's order.
    var service: String? { services.count == 1 ? services.first : nil }

    /// Targets that get less than before: what is in flight on them is what the receipt tells.
    func losing(before: Snapshot, after: Snapshot) -> [Target] {
        services.flatMap { name -> [Target] in
            guard let former = before.service(named: name) else { return [] }
            let next = after.service(named: name)
            let isPaused = changes.contains { $0.service == name && $0.before.pause == nil && $0.after.pause != nil }
            return zip(former.pools, former.shares).flatMap { pool, share -> [Target] in
                let index = next?.pools.firstIndex { $0.name == pool.name }
                if isPaused || index.flatMap({ next?.shares[$0] }) ?? 0 < share { return pool.members.map(\.target) }
                let ready = index.flatMap { next?.pools[$0].ready } ?? []
                return pool.ready.map(\.target).filter { target in !ready.contains { $0.target === target } }
            }
        }
    }
}

extension ReleasePlan.Watch {
    func targets(before: Snapshot, after: Snapshot, services: [String]) -> [Target] {
        services.flatMap { name -> [Target] in
            guard let former = before.service(named: name) else { return [] }
            switch self {
            case .nothing: return []
            case .everything: return former.pools.flatMap { $0.members.map(\.target) }
            case .places(let places):
                return former.pools.flatMap { pool in
                    pool.members.map(\.target).filter { target in
                        places.contains { $0.pool == pool.name && ($0.target == nil || $0.target == target.identity.text) }
                    }
                }
            case .idlePools:
                let next = after.service(named: name)
                let idle = former.pools.indices.filter { index in
                    let now = next?.pools.firstIndex { $0.name == former.pools[index].name }
                    return now.flatMap { next?.shares[$0] } ?? 0 == 0
                }
                // Those that this very command left; where it changed nothing, all.
                let left = idle.filter { former.shares[$0] > 0 }
                return (left.isEmpty ? idle : left).flatMap { former.pools[$0].members.map(\.target) }
            }
        }
    }
}
