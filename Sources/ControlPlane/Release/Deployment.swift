internal import Dispatch
internal import Policy
internal import Routing

/// One `sluice deploy`, from its targets to its receipt. Owns its service until it ends; confined to the control queue, which it never blocks.
///
///     blue-green   preparing ─► proving ─► (flip) ─► draining ─► ended
///     rolling      preparing ─► proving ⇄ draining … ─► ended
///
/// A failure before the switch puts the service's release state back to what it was, and what served before goes on serving. After a
/// crash the journal holds the steps that were taken, never half a one: what served goes on serving then as well.
///
/// SAFETY: touched on the control queue alone.
final class Deployment: @unchecked Sendable {
    private enum Stage {
        case preparing
        /// Waiting until these targets of the pool are healthy. Next: `.draining`, `.ended`.
        case proving([String])
        /// Waiting until what was switched off is idle. Next: `.proving` (rolling), `.ended`.
        case draining(DrainWatch)
        case ended
    }

    /// How often targets that are not healthy yet are looked at: checked ones cost nothing, unchecked ones a connect each.
    private static let step = DispatchTimeInterval.milliseconds(50)

    let order: DeployOrder
    private let desk: Releases
    private let outer: ReleaseOrder
    private let reply: Releases.Reply
    private let before: ServiceRelease
    private let until: ContinuousClock.Instant
    private var stage = Stage.preparing
    private var steps: [RollingStep] = []
    private var notes: [String] = []
    private var isLeftHeld = false

    var service: String { order.service }

    init(_ order: DeployOrder, _ outer: ReleaseOrder, desk: Releases, reply: @escaping Releases.Reply) {
        self.order = order
        self.outer = outer
        self.desk = desk
        self.reply = reply
        before = desk.proxy.release[order.service]
        until = .now + order.wait
    }

    var stageText: String {
        switch stage {
        case .preparing: "preparing"
        case .proving(let targets): "waiting for \(targets.joined(separator: ", ")) to be healthy"
        case .draining: "draining"
        case .ended: "ended"
        }
    }

    /// Throws when nothing has been done.
    func begin() throws(ReleaseRefusal) {
        switch order.strategy {
        case .blueGreen:
            // A job that runs again, after it was done: believed, not refused.
            if desk.planner.isDeployed(order) { return conclude() }
            let plan = try desk.planner.prepare(order)
            _ = try desk.carryOut(plan, command(plan, forced: true))
            prove(desk.planner.targets(of: order.pool, in: service)) { [self] in flip() }
        case .rolling:
            steps = try desk.planner.rollingSteps(order)
            proceed()
        }
    }

    /// Somebody else switches this service now: whatever was done stays, and they decide.
    func supersede(by actor: String) {
        if case .draining(let watch) = stage {
            stage = .ended
            watch.cancel()
        }
        end(.failure(ReleaseRefusal(.conflict, "superseded", "\(actor) took over \(service)", hint: "`sluice history \(service)` tells")))
    }

    // MARK: - Blue-green

    private func flip() {
        attempt { () throws(ReleaseRefusal) in
            let plan = try desk.planner.plan(.flip(service: service, pool: order.pool, waitDrained: nil))
            let switched = try desk.carryOut(plan, command(plan))
            drain(switched) { [self] in finish(switched.receipt) }
        }
    }

    // MARK: - Rolling

    private func proceed() {
        guard !steps.isEmpty else { return conclude() }
        let step = steps.removeFirst()
        attempt { () throws(ReleaseRefusal) in
            let plan = try desk.planner.plan(step.command(service: service, pool: order.pool))
            let switched = try desk.carryOut(plan, command(plan, forced: step.isAddition))
            switch step {
            case .add(let target): prove([target]) { [self] in proceed() }
            case .remove:
                drain(switched) { [self] in proceed() }
            }
        }
    }

    private func conclude() {
        var receipt = desk.unchanged(ReleasePlan(changes: [], services: [service], command: deployText)).receipt
        receipt.changed = desk.proxy.release[service] != before
        if receipt.changed { receipt.notes = [] }
        finish(receipt)
    }

    // MARK: - Steps

    /// Goes on when all of these are healthy; fails at the deadline.
    private func prove(_ targets: [String], then next: @escaping @Sendable () -> Void) {
        if case .ended = stage { return }
        stage = .proving(targets)
        let members = desk.proxy.snapshot.service(named: service)?.pools.first { $0.name == order.pool }?.members ?? []
        let asked = members.filter { targets.contains($0.target.identity.text) }
        // Elsewhere: a target that does not answer costs a connect's deadline, and other services' commands do not wait for it.
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            let (healthy, problems) = desk.look(asked)
            desk.queue.async { self.judge(targets, healthy, problems, then: next) }
        }
    }

    private func judge(
        _ targets: [String], _ healthy: Int, _ problems: [ReleaseRefusal.TargetProblem], then next: @escaping @Sendable () -> Void
    ) {
        guard case .proving = stage else { return }
        if healthy == targets.count, !targets.isEmpty { return next() }
        guard ContinuousClock.now < until else {
            return fail(
                ReleaseRefusal(
                    .preflight, "not-healthy", "\(healthy) of \(targets.count) targets of \(service)/\(order.pool) were healthy in time",
                    hint: "look at their logs and checks; then deploy again", targets: problems))
        }
        desk.queue.asyncAfter(deadline: .now() + Self.step) { [self] in
            guard case .proving = self.stage else { return }
            prove(targets, then: next)
        }
    }

    private func drain(_ switched: Releases.Switched, then next: @escaping @Sendable () -> Void) {
        guard switched.receipt.exitCode == 0 else { return finish(switched.receipt) }
        let watch = DrainWatch(switched.watched, former: desk.proxy.former, within: order.drain, on: desk.queue) { [self] isDrained in
            guard case .draining = stage else { return }
            if !isDrained {
                isLeftHeld = true
                notes.append(
                    "not drained in time: \(switched.watched.filter { $0.inFlight > 0 }.map(\.identity.text).joined(separator: ", "))")
            }
            next()
        }
        stage = .draining(watch)
        watch.begin()
    }

    private func attempt(_ step: () throws(ReleaseRefusal) -> Void) {
        if case .ended = stage { return }
        do throws(ReleaseRefusal) { try step() } catch { fail(error) }
    }

    /// Back to what was, if anything was done.
    private func fail(_ refusal: ReleaseRefusal) {
        var refusal = refusal
        let now = desk.proxy.release[service]
        if now != before {
            do throws(ReleaseRefusal) {
                let change = ReleaseRecord.ServiceChange(service: service, before: now, after: before)
                let plan = ReleasePlan(changes: [change], services: [service], command: "\(deployText): taken back")
                _ = try desk.carryOut(plan, command(plan, forced: true))
                refusal.detail += "; \(service) is as it was"
            } catch {
                refusal.detail += "; taking it back failed as well: \(error.detail)"
                refusal.kind = .broken
            }
        }
        end(.failure(refusal))
    }

    private func finish(_ receipt: Receipt) {
        var receipt = receipt
        receipt.command = deployText
        receipt.notes += notes
        if isLeftHeld && receipt.exitCode == 0 {
            receipt.outcome = "not-drained"
            receipt.exitCode = 9
        }
        end(.success(receipt))
    }

    private func end(_ result: Result<Receipt, ReleaseRefusal>) {
        stage = .ended
        desk.ended(self)
        reply(result)
    }

    private func command(_ plan: ReleasePlan, forced: Bool = false) -> ReleaseOrder {
        var order = outer
        order.ifEpoch = nil
        order.isForced = forced || outer.isForced
        return order
    }

    private var deployText: String {
        "deploy \(service) --to \(order.pool)" + (order.targets.isEmpty ? "" : " --targets \(order.targets.joined(separator: ","))")
    }
}

/// One move of a rolling deployment.
enum RollingStep: Equatable {
    case add(String)
    case remove(String)

    var isAddition: Bool { if case .add = self { true } else { false } }

    func command(service: String, pool: String) -> ReleaseCommand {
        switch self {
        case .add(let address): .addTarget(service: service, pool: pool, address: address, weight: 1)
        case .remove(let address): .removeTarget(service: service, pool: pool, address: address, wait: nil)
        }
    }
}
