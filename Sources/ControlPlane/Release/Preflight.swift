internal import Config
internal import Routing

/// May these pools take what a command gives them? Asked of the snapshot that is about to be published, before anything is written.
struct Preflight {
    /// How many of the members could serve now, and why the others could not. Blocks the control queue for a second at most (fresh connects).
    typealias Look = @Sendable (_ members: [PoolMember]) -> (healthy: Int, problems: [ReleaseRefusal.TargetProblem])

    let configuration: Configuration
    let look: Look

    /// Throws when a pool that gains traffic, or whose ready targets become fewer, would have fewer healthy targets than `min_healthy`.
    /// - Parameter services: those that the command changes.
    func check(from before: Snapshot, to after: Snapshot, services: [String]) throws(ReleaseRefusal) {
        for name in services {
            guard let next = after.service(named: name) else { continue }
            let former = before.service(named: name)
            let least = configuration.services.first { $0.name == name }?.minHealthy ?? Defaults.minHealthy
            for (index, pool) in next.pools.enumerated() where next.shares[index] > 0 {
                try check(pool, of: next, former: former, share: next.shares[index], least: least)
            }
        }
    }

    // MARK: - Private

    private func check(_ pool: Pool, of service: Service, former: Service?, share: UInt32, least: Int) throws(ReleaseRefusal) {
        let formerIndex = former?.pools.firstIndex { $0.name == pool.name }
        let formerShare = formerIndex.flatMap { former?.shares[$0] } ?? 0
        let formerReady = formerIndex.flatMap { former?.pools[$0].ready } ?? []
        let gains = share > formerShare
        let shrinks = formerReady.contains { was in !pool.ready.contains { $0.target === was.target } }
        guard gains || shrinks else { return }
        let (healthy, problems) = look(pool.ready)
        guard healthy < least else { return }
        // In an outage it must still be possible to take a dead target out.
        if !gains, healthy >= look(formerReady).healthy { return }
        let count = "\(healthy) of \(pool.ready.count) ready target\(pool.ready.count == 1 ? "" : "s") can serve, \(least) needed"
        throw ReleaseRefusal(
            .preflight, "not-healthy", "pool \(pool.name) of \(service.name) is not fit for traffic: \(count)",
            hint: "`sluice status \(service.name)` shows its checks; --force switches all the same", targets: problems)
    }
}

extension Pool {
    /// Members that no command has closed.
    var ready: [PoolMember] { members.filter { $0.closed == nil } }
}
