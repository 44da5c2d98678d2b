internal import Config
internal import Net
internal import Policy

/// Names one start of a target's checks: what comes from an earlier one is late and ignored.
struct CheckKey: Sendable, Hashable {
    var target: ObjectIdentifier
    var generation: UInt64
}

/// One target's checks, one after the other, never two at once. Confined to the health loop.
final class CheckRounds: EventHandler {
    private let key: CheckKey
    private let order: ProbeOrder
    private let prober: Prober
    private let tell: (CheckKey, ProbeResult) -> Void
    private var schedule: HealthSchedule
    private var timer = Registration.none
    private var probe: Probe?

    init(
        _ key: CheckKey, _ order: ProbeOrder, _ schedule: HealthSchedule, prober: Prober, tell: @escaping (CheckKey, ProbeResult) -> Void
    ) {
        self.key = key
        self.order = order
        self.schedule = schedule
        self.prober = prober
        self.tell = tell
    }

    /// The first check goes at once.
    func begin() {
        timer = prober.loop.registerTimer(self)
        _ = schedule.next()
        check()
    }

    func end() {
        prober.loop.unregister(timer)
        probe?.cancel()
        probe = nil
    }

    // MARK: - EventHandler

    func handle(_ readiness: Readiness) {}

    func deadlineReached() { check() }

    // MARK: - Private

    private func check() {
        let probe = Probe(order) { [unowned self] result in finished(result) }
        self.probe = probe
        prober.run(probe)
    }

    /// The interval counts from the start of the check; a check that took longer is followed by the next one at once.
    private func finished(_ result: ProbeResult) {
        let next = TimeSpan(schedule.next()).nanoseconds - result.duration.nanoseconds
        prober.loop.setDeadline(timer, prober.loop.now + TimeSpan(nanoseconds: max(0, next)))
        tell(key, result)
    }
}

/// What the health thread alone touches.
final class HealthWorld {
    let loop: EventLoop
    let prober: Prober
    private var rounds: [ObjectIdentifier: CheckRounds] = [:]

    init(loop: EventLoop, limit: Int) {
        self.loop = loop
        prober = Prober(loop: loop, limit: limit)
    }

    /// Replaces the target's former checks.
    func begin(_ new: CheckRounds, for target: ObjectIdentifier) {
        end(target)
        rounds[target] = new
        new.begin()
    }

    func end(_ target: ObjectIdentifier) { rounds.removeValue(forKey: target)?.end() }

    func stop() {
        prober.clearQueue()
        for rounds in rounds.values { rounds.end() }
        rounds = [:]
        loop.forEachHandler { ($0 as? Probe)?.cancel() }
        loop.stop()
    }
}
