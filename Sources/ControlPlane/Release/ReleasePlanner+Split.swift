internal import Config
internal import Policy

/// flip, split, rollback, pause, resume.
extension ReleasePlanner {
    func flip(_ service: String, _ pool: String?, _ wait: Duration?) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(service)
        let pool = if let pool { pool } else { try other(of: configured) }
        try known(pool, of: configured)
        return set([ServiceRelease.Share(pool: pool, partsPerMillion: 1_000_000)], configured, "flip \(service) \(pool)", wait)
    }

    func split(_ service: String, _ shares: [ServiceRelease.Share], _ wait: Duration?) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(service)
        for share in shares { try known(share.pool, of: configured) }
        guard shares.reduce(0, { $0 + UInt64($1.partsPerMillion) }) == 1_000_000, Set(shares.map(\.pool)).count == shares.count else {
            throw ReleaseRefusal(.bad, "bad-split", "the weights do not make a whole", hint: "like blue=95 green=5")
        }
        // In the order of the file, so that equal splits are equal.
        let ordered = configured.pools.compactMap { pool in shares.first { $0.pool == pool.name && $0.partsPerMillion > 0 } }
        return set(ordered, configured, "split \(service) \(Self.text(ordered))", wait)
    }

    /// From here on the file decides again, at this change and at the next reload.
    func adoptFile(_ service: String) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(service)
        var after = release[service]
        guard after.split != nil else { return change(service, to: after, "split \(service) --from-config", watch: .idlePools) }
        after.previousSplit = liveShares(configured)
        after.split = nil
        return change(service, to: after, "split \(service) --from-config", watch: .idlePools)
    }

    func rollback(_ service: String) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(service)
        guard let previous = release[service].previousSplit else {
            throw ReleaseRefusal(
                .conflict, "nothing-before", "the split of \(service) has not been changed: there is nothing to go back to",
                hint: "`sluice history \(service)` shows what was done")
        }
        for share in previous { try known(share.pool, of: configured) }
        return set(previous, configured, "rollback \(service)", nil)
    }

    func pause(
        _ service: String, maxWait: Duration?, requests: Int?, bytes: Int?, wait: Duration?
    ) throws(ReleaseRefusal) -> ReleasePlan {
        let limits = try configured(service).pause
        var after = release[service]
        let span = maxWait ?? limits.maxWait
        after.pause = PauseOrder(
            maxWaitMilliseconds: Int(clamping: Int64(span / .milliseconds(1))), requests: requests ?? limits.requests,
            bytes: bytes ?? limits.bytes)
        return change(service, to: after, "pause \(service)", watch: .everything, wait: wait)
    }

    func resume(_ service: String, _ ramp: Duration?) throws(ReleaseRefusal) -> ReleasePlan {
        _ = try configured(service)
        var after = release[service]
        after.pause = nil
        var plan = change(service, to: after, "resume \(service)")
        plan.ramp = ramp
        return plan
    }

    // MARK: - Private

    /// The other one of two, by what is live.
    private func other(of service: ServiceConfiguration) throws(ReleaseRefusal) -> String {
        let idle = service.pools.filter { pool in !liveShares(service).contains { $0.pool == pool.name } }
        if service.pools.count == 2, idle.count == 1, let only = idle.first { return only.name }
        throw ReleaseRefusal(
            .bad, "which-pool",
            service.pools.count == 2 ? "both pools of \(service.name) have traffic" : "\(service.name) has \(service.pools.count) pools",
            hint: "name the pool: \(service.pools.map(\.name).joined(separator: ", "))")
    }

    private func set(
        _ shares: [ServiceRelease.Share], _ service: ServiceConfiguration, _ command: String, _ wait: Duration?
    ) -> ReleasePlan {
        var after = release[service.name]
        let live = liveShares(service)
        // Even where the file says the same: from now on a reload does not change it.
        if live != shares { after.previousSplit = live }
        after.split = shares
        return change(service.name, to: after, command, watch: .idlePools, wait: wait)
    }

    private static func text(_ shares: [ServiceRelease.Share]) -> String {
        shares.map { "\($0.pool)=\(ConfigurationDiff.percent($0.partsPerMillion))" }.joined(separator: " ")
    }
}
