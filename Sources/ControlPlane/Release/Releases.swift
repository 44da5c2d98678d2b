internal import Config
internal import Dispatch
internal import Net
internal import Policy
internal import Routing

/// Where every order to switch arrives: planned, checked, journaled, published, confirmed, in this sequence and one after the other. Confined to
/// the control queue.
///
///     order ─► refused (nothing changed)
///       │
///       ├─► plan ─► preflight ─► journal (fsync) ─► publish ─► every loop acknowledged ─► receipt ─► drain watch ─► answer
///       └─► deployment: the same, several times
///
/// A refusal at any step before the publish changes nothing. What is on disk takes effect: a crash between journal and publish shows it at
/// the next start.
///
/// SAFETY: touched on the control queue alone.
final class Releases: @unchecked Sendable {
    typealias Reply = @Sendable (Result<Receipt, ReleaseRefusal>) -> Void

    /// What a command did, before anybody waits for drains.
    struct Switched {
        var receipt: Receipt
        /// What `--wait` waits for.
        var watched: [Target]
    }

    let proxy: Proxy
    let journal: Journal
    let queue: DispatchQueue
    let look: Preflight.Look
    private let resolver: Resolver
    /// Tells whoever follows what happens.
    private let announce: (Receipt) -> Void
    private var deployments: [String: Deployment] = [:]
    /// While set, orders are refused in these words: the process is stopping, or handing over.
    var closedBecause: String?

    init(
        proxy: Proxy, journal: Journal, resolver: Resolver, queue: DispatchQueue, look: @escaping Preflight.Look,
        announce: @escaping (Receipt) -> Void
    ) {
        self.proxy = proxy
        self.journal = journal
        self.resolver = resolver
        self.queue = queue
        self.look = look
        self.announce = announce
    }

    func perform(_ order: ReleaseOrder, _ reply: @escaping Reply) {
        dispatchPrecondition(condition: .onQueue(queue))
        do throws(ReleaseRefusal) {
            try admit(order)
            if case .deploy(let deploy) = order.command {
                try begin(deploy, order, reply)
            } else {
                let plan = try planner.plan(order.command)
                try free(plan.services, order)
                wait(try carryOut(plan, order), plan.wait, reply)
            }
        } catch {
            reply(.failure(error))
        }
    }

    /// One publish: all of DESIGN §3's sentence. Throws before anything has changed, never after.
    func carryOut(_ plan: ReleasePlan, _ order: ReleaseOrder) throws(ReleaseRefusal) -> Switched {
        guard !plan.changes.isEmpty else { return unchanged(plan) }
        var next = proxy.release
        for change in plan.changes { next[change.service] = change.after }
        let resolved = try resolve(next)
        let built: LiveGraph.Built
        do throws(SnapshotError) {
            built = try proxy.build(next, resolved: resolved)
        } catch {
            throw ReleaseRefusal(.broken, "cannot-build", "\(error)")
        }
        let before = proxy.snapshot
        if !order.isForced {
            try Preflight(configuration: proxy.configuration, look: look).check(from: before, to: built.snapshot, services: plan.services)
        }
        let sequence = try write(plan, order)
        for name in plan.services {
            proxy.snapshot.service(named: name)?.state.setResumeRamp(plan.ramp.map { TimeSpan($0) } ?? ServiceState.defaultRamp)
        }
        let publication = proxy.publish(built, resolved: resolved)
        let receipt = receipt(plan, sequence: sequence, publication, before: before)
        noteReceipt(receipt, sequence, publication, order)
        endTunnels(leftBy: plan, before: before)
        return Switched(receipt: receipt, watched: plan.watch.targets(before: before, after: proxy.snapshot, services: plan.services))
    }

    /// Answers when nothing holds what was switched off, or the wait is over.
    func wait(_ switched: Switched, _ limit: Duration?, _ reply: @escaping Reply) {
        guard let limit, switched.receipt.exitCode == 0 else { return reply(.success(switched.receipt)) }
        DrainWatch(switched.watched, former: proxy.former, within: limit, on: queue) { [self] isDrained in
            var receipt = switched.receipt
            receipt.inFlight = inFlight(switched.watched)
            if isDrained { return reply(.success(receipt)) }
            receipt.outcome = "not-drained"
            receipt.exitCode = 9
            receipt.holders = proxy.holders(of: switched.watched)
            reply(.success(receipt))
        }.begin()
    }

    var planner: ReleasePlanner { ReleasePlanner(file: proxy.configuration, release: proxy.release, journal: journal) }

    /// The deployment has ended, in whatever way.
    func ended(_ deployment: Deployment) {
        if deployments[deployment.service] === deployment { deployments[deployment.service] = nil }
    }

    /// Services with a deployment under way, and what it is doing.
    var underWay: [String: String] { deployments.mapValues(\.stageText) }

    // MARK: - Private

    private func admit(_ order: ReleaseOrder) throws(ReleaseRefusal) {
        if let reason = closedBecause {
            throw ReleaseRefusal(.conflict, "closed", reason, hint: "try again when it is done")
        }
        guard let seen = order.ifEpoch, seen != proxy.epoch else { return }
        throw ReleaseRefusal(
            .stale, "stale-epoch", "the epoch is \(proxy.epoch), not \(seen): something was changed since you looked",
            hint: "look again with `sluice status`, then repeat the command")
    }

    /// A deployment owns its service until it ends; who forces takes it over.
    private func free(_ services: [String], _ order: ReleaseOrder) throws(ReleaseRefusal) {
        for service in services {
            guard let deployment = deployments[service] else { continue }
            guard order.isForced else {
                throw ReleaseRefusal(
                    .conflict, "deployment-under-way", "a deployment of \(service) is under way (\(deployment.stageText))",
                    hint: "wait for its end, or take over with --force")
            }
            deployment.supersede(by: order.actor)
        }
    }

    private func begin(_ deploy: DeployOrder, _ order: ReleaseOrder, _ reply: @escaping Reply) throws(ReleaseRefusal) {
        try free([deploy.service], order)
        let deployment = Deployment(deploy, order, desk: self, reply: reply)
        deployments[deploy.service] = deployment
        do throws(ReleaseRefusal) {
            try deployment.begin()
        } catch {
            ended(deployment)
            throw error
        }
    }

    private func resolve(_ release: ReleaseState) throws(ReleaseRefusal) -> [Endpoint: SocketAddress] {
        // What has an address keeps it: a switch must not wait for a name server. Names are looked up again by the clock and by reloads.
        var found: [Endpoint: SocketAddress] = [:]
        var missing: [Endpoint] = []
        for endpoint in proxy.configuration.endpoints(under: release) {
            if let known = proxy.resolved[endpoint] { found[endpoint] = known } else { missing.append(endpoint) }
        }
        guard !missing.isEmpty else { return found }
        let (new, failures) = resolver.resolve(missing, previous: [:], keepsLastGood: false)
        found.merge(new) { known, _ in known }
        for failure in failures {
            throw ReleaseRefusal(
                .bad, "cannot-resolve", "\(failure.endpoint.text) cannot be resolved: \(failure.reason)",
                hint: "write an address, or make the name resolvable on this machine")
        }
        return found
    }

    /// On disk before it takes effect.
    private func write(_ plan: ReleasePlan, _ order: ReleaseOrder) throws(ReleaseRefusal) -> UInt64 {
        let record = ReleaseRecord(
            sequence: journal.nextSequence, time: WallClock.now().rfc3339, actor: order.actor, command: plan.command, reason: order.reason,
            body: .change(plan.changes, undoes: plan.undoes))
        do throws(JournalError) {
            try journal.append(record)
        } catch {
            proxy.log.error("journal not written; command refused", ["command": plan.command, "reason": error.message])
            throw ReleaseRefusal(
                .broken, "journal", error.message,
                hint: "the proxy serves on; to switch it needs room and rights in state_dir")
        }
        return record.sequence
    }

    private func noteReceipt(_ receipt: Receipt, _ sequence: UInt64, _ publication: Publisher.Publication, _ order: ReleaseOrder) {
        let summary = ReleaseRecord.ReceiptSummary(
            epoch: receipt.epoch, acknowledgedMicroseconds: receipt.acknowledgements.map(\.microseconds),
            inFlight: receipt.inFlight.reduce(0) { $0 + $1.exchanges })
        let record = ReleaseRecord(
            sequence: journal.nextSequence, time: receipt.time, actor: order.actor, command: receipt.command, reason: nil,
            body: .receipt(of: sequence, summary))
        // The change is on disk already; its receipt follows with the next one.
        do throws(JournalError) {
            try journal.appendUnsynced(record)
        } catch {
            proxy.log.warn("receipt not written to the journal", ["reason": error.message])
        }
        if let reason = journal.compactionFailure { proxy.log.warn("journal not compacted; it goes on growing", ["reason": reason]) }
        let silent = publication.silent.map(String.init).joined(separator: ",")
        if silent.isEmpty {
            proxy.log.info(receipt.command, ["epoch": "\(receipt.epoch)", "actor": order.actor])
        } else {
            proxy.log.error("\(receipt.command): not confirmed by every loop", ["epoch": "\(receipt.epoch)", "loops": silent])
        }
        announce(receipt)
    }

    /// Tunnels do not end by themselves: those on a pool that lost all its traffic, or on closed targets, get the service's deadline, those on what
    /// has traffic again lose it.
    private func endTunnels(leftBy plan: ReleasePlan, before: Snapshot) {
        for name in plan.services {
            guard let service = proxy.snapshot.service(named: name) else { continue }
            let deadline = proxy.configuration.services.first { $0.name == name }?.drain.tunnels ?? Defaults.tunnelDrainTimeout
            for (index, pool) in service.pools.enumerated() {
                let former = before.service(named: name)
                let formerPool = former?.pools.first { $0.name == pool.name }
                let formerShare = former?.pools.firstIndex { $0.name == pool.name }.flatMap { former?.shares[$0] } ?? 0
                for member in pool.members {
                    let was = formerPool?.members.first { $0.target === member.target }
                    let isUsed = service.shares[index] > 0 && member.closed == nil
                    let wasUsed = was.map { formerShare > 0 && $0.closed == nil } ?? false
                    guard isUsed != wasUsed else { continue }
                    for worker in proxy.workers {
                        if isUsed { worker.keepLeases(on: member.target) } else { worker.endTunnels(on: member.target, within: deadline) }
                    }
                }
            }
        }
    }
}
