internal import Dispatch
internal import Net
internal import Policy
internal import Routing

/// Replaces the running process by a new one (LIFECYCLE.md). Confined to the control queue; the conversation runs beside it, so that `status` and
/// signals are answered all the while.
///
/// SAFETY: touched on the control queue alone.
final class UpgradeDesk: @unchecked Sendable {
    /// What an upgrade takes along and cannot be had before the process is up.
    struct Surroundings: Sendable {
        var admin: AdminServer
        var stateDirectory: StateDirectory
        /// nil = this process cannot be started again by itself.
        var relaunch: Relaunch?
        var patience: Duration = .seconds(30)
    }

    private enum Stage {
        /// Next: `.underWay`.
        case idle
        /// Nothing may be changed. Next: `.idle` (it failed), `.handedOver`.
        case underWay(UpgradeAttempt)
        /// The other process rules; this one drains.
        case handedOver
    }

    private let proxy: Proxy
    private let releases: Releases
    private let shutdown: Shutdown
    private let queue: DispatchQueue
    private let state: ServingState
    private let notifier: ServiceNotifier
    private let events: EventLog
    private var surroundings: Surroundings?
    private var stage = Stage.idle

    init(
        proxy: Proxy, releases: Releases, shutdown: Shutdown, queue: DispatchQueue, state: ServingState, notifier: ServiceNotifier,
        events: EventLog
    ) {
        self.proxy = proxy
        self.releases = releases
        self.shutdown = shutdown
        self.queue = queue
        self.state = state
        self.notifier = notifier
        self.events = events
    }

    /// Why nothing may be changed now; nil = it may.
    var frozenBecause: String? {
        switch stage {
        case .idle: nil
        case .underWay: "an upgrade is under way"
        case .handedOver: "this process has handed over to a new one"
        }
    }

    /// Before this no upgrade is possible.
    func attach(_ surroundings: Surroundings) { self.surroundings = surroundings }

    /// Answers when the new process owns, or when everything is as it was.
    func begin(_ order: UpgradeOrder, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        dispatchPrecondition(condition: .onQueue(queue))
        do throws(Problem) {
            let (surroundings, relaunch) = try admit()
            let attempt: UpgradeAttempt
            do throws(HandoverTrouble) {
                attempt = try UpgradeAttempt(relaunch, binary: order.binary, within: surroundings.patience)
            } catch {
                throw .upgradeFailed(UpgradeAttempt.Failure(isHang: false, detail: error.text))
            }
            let cargo = HandoverCargo(proxy, surroundings)
            proxy.log.info("upgrade begins", ["binary": order.binary ?? relaunch.binary, "actor": order.conditions.actor])
            freeze(attempt)
            let began = ContinuousClock.now
            let isStarted = ControlThread.start("sluice-upgrade") { [self] in
                converse(attempt, cargo, surroundings, order, began, reply)
            }
            guard isStarted else {
                thaw()
                throw .upgradeFailed(UpgradeAttempt.Failure(isHang: false, detail: "no thread left"))
            }
        } catch {
            reply(.problem(error))
        }
    }

    /// The process is told to stop while an upgrade is under way.
    func cancel() {
        if case .underWay(let attempt) = stage { attempt.cancel(because: "sluice is shutting down") }
    }

    // MARK: - Private

    private func admit() throws(Problem) -> (Surroundings, Relaunch) {
        if let reason = frozenBecause {
            throw .upgradeConflict(reason, hint: "wait for its end: `sluice status` shows which process answers")
        }
        guard !shutdown.hasBegun else { throw .upgradeConflict("sluice is shutting down", hint: nil) }
        if let (service, doing) = releases.underWay.min(by: { $0.key < $1.key }) {
            throw .upgradeConflict("a deployment of \(service) is under way (\(doing))", hint: "wait for its end")
        }
        guard let surroundings, let relaunch = surroundings.relaunch else {
            throw .upgradeConflict("this process cannot be upgraded", hint: "it was not started by `sluice run`, or is only just starting")
        }
        return (surroundings, relaunch)
    }

    private func freeze(_ attempt: UpgradeAttempt) {
        stage = .underWay(attempt)
        releases.closedBecause = frozenBecause
        notifier.reloading()
    }

    private func thaw() {
        stage = .idle
        releases.closedBecause = shutdown.hasBegun ? "sluice is shutting down" : nil
        notifier.ready(status: "serving, epoch \(proxy.epoch)")
    }

    /// On the upgrade's own thread.
    private func converse(
        _ attempt: UpgradeAttempt, _ cargo: HandoverCargo, _ surroundings: Surroundings, _ order: UpgradeOrder,
        _ began: ContinuousClock.Instant, _ reply: @escaping @Sendable (AdminResponse) -> Void
    ) {
        do throws(UpgradeAttempt.Failure) {
            let proof = try attempt.run(
                cargo.state, cargo.descriptors, stopAccepting: { queue.sync { proxy.rest() } },
                handOver: { proof in queue.sync { handOver(to: proof) } })
            // Only now may the new process take orders: none can reach this one any more.
            surroundings.admin.leave(within: .seconds(2))
            attempt.confirm()
            let took = Int((ContinuousClock.now - began) / .milliseconds(1))
            queue.async { [self] in
                proxy.log.info("upgraded", ["pid": "\(proof.pid)", "version": proof.version, "milliseconds": "\(took)"])
                reply(.json(UpgradeReply(proof, milliseconds: took)))
                shutdown.begin(.handedOver)
            }
            attempt.serve(
                follow: { release, epoch in queue.sync { follow(release, epoch) } }, inFlight: { held in queue.sync { inFlight(held) } })
        } catch {
            queue.async { [self] in
                // Sockets that rested, and connections whose waiter is gone: both are seen by registering anew.
                if !shutdown.hasBegun { proxy.acceptAnew() }
                thaw()
                proxy.log.error("upgrade failed; this process goes on", ["reason": error.detail])
                events.post(.upgrade, data: UpgradeEvent("failed", order.conditions, detail: error.detail))
                reply(.problem(.upgradeFailed(error)))
            }
        }
    }

    /// What still begins here begins as the process that rules has switched.
    private func follow(_ release: ReleaseState, _ epoch: Epoch) -> Bool {
        let (resolved, _) = Resolver().resolve(
            proxy.configuration.endpoints(under: release), previous: proxy.resolved, keepsLastGood: true)
        guard epoch > proxy.epoch, let built = try? proxy.build(release, resolved: resolved, epoch: epoch) else { return false }
        return proxy.publish(built, resolved: resolved).silent.isEmpty
    }

    /// - Parameter targets: by their whole names.
    private func inFlight(_ targets: [String]) -> Int {
        let names = Set(targets)
        let own = proxy.snapshot.services.flatMap { $0.pools.flatMap { $0.members.map(\.target) } } + proxy.graph.draining
        let count = own.reduce(0) { names.contains($1.identity.wholeName) ? $0 + $1.inFlight : $0 }
        // What handed over to this one may be draining, too.
        return count + (proxy.former?.inFlight(own.filter { names.contains($0.identity.wholeName) }) ?? 0)
    }

    /// From here on there is no way back. False when the process was told to stop meanwhile: then it does that.
    private func handOver(to proof: UpgradeAttempt.Proof) -> Bool {
        guard !shutdown.hasBegun else { return false }
        stage = .handedOver
        proxy.listeners.passOn()
        releases.closedBecause = "this process has handed over to process \(proof.pid)"
        state.enter(.draining)
        // Of the two only this one is believed by a manager that listens to the main process alone.
        notifier.mainProcess(proof.pid)
        notifier.silence()
        return true
    }
}

extension Problem {
    fileprivate static func upgradeConflict(_ detail: String, hint: String?) -> Problem {
        Problem("upgrade-conflict", status: 409, title: "No upgrade now; nothing changed", detail: detail, hint: hint)
    }

    fileprivate static func upgradeFailed(_ failure: UpgradeAttempt.Failure) -> Problem {
        Problem(
            "upgrade-failed", status: failure.isHang ? 504 : 500, title: "Upgrade failed; the old process goes on", detail: failure.detail,
            hint: "the log of the proxy has what the new process wrote to standard error", exitCode: failure.isHang ? 8 : 1)
    }
}
