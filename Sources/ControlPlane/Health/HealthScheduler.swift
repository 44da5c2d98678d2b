internal import Config
internal import Dispatch
internal import Net
internal import Policy
internal import Routing
internal import Synchronization

/// Checks targets, on one thread of its own: neither a data loop nor the control queue waits for a target, and verdicts take effect while
/// a command waits. The control queue tells what is to be checked; questions may come from any thread.
final class HealthScheduler: Sendable {
    private struct State {
        var table = HealthTable()
        /// Whoever waits for results is woken at each one.
        var waiting: [DispatchSemaphore] = []
        var changed: (@Sendable (HealthChange) -> Void)?
        var lastComplaint: ContinuousClock.Instant?
    }

    /// Probes at once; each is a descriptor, and none takes longer than its timeout.
    static let probesAtOnce = 256
    /// What the loop's coarse timers and a busy machine may add to a deadline.
    private static let slack = Duration.milliseconds(200)
    /// Whatever the timeouts are: nobody waits longer for a first result before serving.
    private static let longestWait = Duration.seconds(5)
    /// Many checks fail for one want of ours; one line in this time tells of it.
    private static let complaintPause = Duration.seconds(10)

    private let log: OperatorLog
    private let mailbox: Mailbox
    private let world: LoopBound<HealthWorld>
    private let state = Mutex(State())

    /// - Throws: when the kernel has no epoll, eventfd or thread left.
    init(log: OperatorLog, probesAtOnce: Int = HealthScheduler.probesAtOnce) throws(IOError) {
        self.log = log
        let loop = try EventLoop()
        mailbox = loop.mailbox
        let world = LoopBound(HealthWorld(loop: loop, limit: probesAtOnce))
        self.world = world
        try LoopThread.start(name: "health") {
            world.value.loop.run()
            world.value.loop.mailbox.close()
        }
    }

    deinit { stop() }

    /// For good: no check begins any more, verdicts stay as they are.
    func stop() {
        mailbox.post { [world] in world.value.stop() }
    }

    /// Called on the health thread at each change of a verdict, but not for targets in maintenance.
    func onChange(_ changed: @escaping @Sendable (HealthChange) -> Void) { state.withLock { $0.changed = changed } }

    // MARK: - What is checked (control queue)

    /// To be called with the orders of a snapshot before it is published: new checked targets are closed to traffic here.
    /// - Parameter remembered: of the process before this one; counts for targets that are new here and the same there.
    func adopt(_ orders: [HealthOrder], remembered: HealthMemory = HealthMemory()) {
        let now = WallClock.now().milliseconds
        // Posted under the lock, so that the loop gets the steps of two adoptions in their order.
        state.withLock { state in
            let adoption = state.table.adopt(orders, remembered: remembered, now: now)
            guard !adoption.starts.isEmpty || !adoption.stops.isEmpty else { return }
            mailbox.post { [world, weak self] in
                for stop in adoption.stops { world.value.end(stop) }
                for start in adoption.starts { Self.begin(start, of: adoption.starts.count, in: world.value, for: self) }
            }
        }
    }

    /// Waits until each checked target has its first result, or its timeout (at most five seconds): a start that did not would answer 503 for
    /// targets that are well.
    func waitForFirstResults() { wait { $0.timeToFirstResults(of: $0.targets) } }

    /// Waits, no longer than their timeouts, for the first results of those pools that are about to take traffic and have no target for it
    /// yet: so that a reload, or a name that moved, leaves no gap. Others do not make a publish wait.
    func settle(_ snapshot: Snapshot) {
        let pools = snapshot.services.flatMap { service in
            zip(service.pools, service.shares).filter { $0.1 > 0 }.map { $0.0.ready.map(\.target) }
        }
        wait { table in table.timeToFirstResults(of: pools.filter { $0.allSatisfy(\.isFailing) }.flatMap { $0 }) }
    }

    // MARK: - What was found (any thread)

    /// nil: not checked.
    func report(of target: Target) -> HealthReport? { state.withLock { $0.table.report(of: target) } }

    /// For the process that takes over.
    var memory: HealthMemory { state.withLock { $0.table.memory } }

    /// Who of these could take traffic now: by their checks, or, where none is configured (or none has begun: the target is in no published
    /// snapshot yet), by a fresh connect to each. Problems are in the order of the members. Blocks for at most about `limit`.
    func healthyTargets(
        of members: [PoolMember], within limit: Duration = .seconds(1)
    ) -> (healthy: Int, problems: [ReleaseRefusal.TargetProblem]) {
        // nil in an answer: nothing is wrong.
        let verdicts = Answers<String?>(count: members.count)
        for (index, member) in members.enumerated() {
            if member.target.isRetired || member.closed != nil {
                verdicts.put(member.closed?.rawValue ?? "removed", at: index)
            } else if let report = report(of: member.target) {
                verdicts.put(report.judge.state == .healthy ? String?.none : "\(report.judge.state.rawValue): \(report.reason)", at: index)
            } else {
                connect(to: member.target, within: limit) { verdicts.put($0, at: index) }
            }
        }
        var healthy = 0
        var problems: [ReleaseRefusal.TargetProblem] = []
        for (member, verdict) in zip(members, verdicts.wait(for: limit + Self.slack)) {
            switch verdict {
            case .some(nil): healthy += 1
            case .some(let reason?): problems.append(.init(target: member.target.identity.text, reason: reason))
            case nil: problems.append(.init(target: member.target.identity.text, reason: "connect timeout"))
            }
        }
        return (healthy, problems)
    }

    // MARK: - Private

    private static func begin(_ start: HealthTable.Start, of newcomers: Int, in world: HealthWorld, for scheduler: HealthScheduler?) {
        let identity = start.identity
        let seed = HealthSchedule.seed(identity.service, identity.pool, identity.text)
        let schedule = HealthSchedule(seed: seed, interval: start.check.interval, newcomers: newcomers)
        let rounds = CheckRounds(start.key, ProbeOrder(identity, start.wire, start.check), schedule, prober: world.prober) {
            [weak scheduler] in
            scheduler?.note($1, of: $0)
        }
        world.begin(rounds, for: start.key.target)
    }

    private func connect(to target: Target, within limit: Duration, _ tell: @escaping @Sendable (String?) -> Void) {
        let order = ProbeOrder(
            address: target.identity.address, wire: target.wire, question: .connect, timeout: TimeSpan(limit))
        mailbox.post { [world] in
            world.value.prober.run(Probe(order) { tell($0.verdict == .passed ? nil : $0.reason) })
        }
    }

    /// On the health thread.
    private func note(_ result: ProbeResult, of key: CheckKey) {
        guard result.verdict != .none else { return complain(result.reason) }
        let found = HealthResult(
            time: WallClock.now().milliseconds, passed: result.verdict == .passed, reason: result.reason,
            duration: .nanoseconds(result.duration.nanoseconds))
        let (change, changed) = state.withLock { state in
            let change = state.table.note(found, of: key)
            for semaphore in state.waiting { semaphore.signal() }
            return (change, state.changed)
        }
        guard let change else { return }
        tell(change)
        changed?(change)
    }

    /// A want of our own (descriptors, ports) must not close every pool; it is the operator's to know.
    private func complain(_ reason: String) {
        let isDue = state.withLock { state in
            if let last = state.lastComplaint, ContinuousClock.now - last < Self.complaintPause { return false }
            state.lastComplaint = .now
            return true
        }
        if isDue { log.warn("health checks cannot be made", ["reason": reason]) }
    }

    private func tell(_ change: HealthChange) {
        let identity = change.identity
        if change.to == .healthy {
            log.info(
                "target healthy",
                ["service": identity.service, "pool": identity.pool, "target": identity.text, "reason": change.reason])
            return
        }
        log.warn(
            "target unhealthy", ["service": identity.service, "pool": identity.pool, "target": identity.text, "reason": change.reason])
        if change.leavesPoolWithout {
            log.error("pool has no healthy target", ["service": identity.service, "pool": identity.pool])
        }
    }

    /// - Parameter missing: how long the slowest result that is still wanted may take; nil when there is none.
    private func wait(_ missing: (HealthTable) -> Duration?) {
        let semaphore = DispatchSemaphore(value: 0)
        let start = ContinuousClock.now
        guard
            let limit = state.withLock({ state in
                let limit = missing(state.table)
                if limit != nil { state.waiting.append(semaphore) }
                return limit
            })
        else { return }
        let deadline = start + min(limit, Self.longestWait) + Self.slack
        while state.withLock({ missing($0.table) }) != nil {
            let left = deadline - .now
            guard left > .zero, semaphore.wait(timeout: .now() + left.dispatch) == .success else { break }
        }
        state.withLock { $0.waiting.removeAll { $0 === semaphore } }
    }
}
