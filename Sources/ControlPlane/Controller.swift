internal import Config
internal import Dispatch
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

/// The single writer: one serial queue on which every command, signal and timer of the control plane runs, one after the other.
///
/// SAFETY: everything but the constants is touched on `queue` alone; `dispatchPrecondition` at each entry says so.
package final class Controller: @unchecked Sendable {
    private let queue = DispatchQueue(label: "sluice.control")
    private let state: ServingState
    private let notifier: ServiceNotifier
    private let log: OperatorLog
    private let configPath: String
    private let load: @Sendable () -> LoadedConfiguration
    private let proxy: Proxy
    private let resolver: Resolver
    private let shutdown: Shutdown
    private let releases: Releases
    private let upgrades: UpgradeDesk
    private let keyWatch: KeyWatch
    private let events: EventLog
    private let token: AdminToken
    private let startedAt = ContinuousClock.now
    private var lastReload: ReloadStatus?
    private var isResolving = false

    /// How often names are looked up again (their TTL is not told by getaddrinfo).
    private static let resolvePeriod = DispatchTimeInterval.seconds(30)
    private static let reportDeadline = Duration.seconds(1)
    private static let holdersShown = 50

    /// - Parameters:
    ///   - events: is told of what happens.
    ///   - token: is renewed by a reload.
    ///   - ended: runs once, when the loops have stopped and the process may exit.
    init(
        proxy: Proxy, journal: Journal, resolver: Resolver, state: ServingState, notifier: ServiceNotifier,
        events: EventLog, token: AdminToken,
        configPath: String, load: @escaping @Sendable () -> LoadedConfiguration, ended: @escaping @Sendable () -> Void
    ) {
        self.proxy = proxy
        self.resolver = resolver
        self.state = state
        self.notifier = notifier
        self.events = events
        self.token = token
        self.configPath = configPath
        self.load = load
        log = proxy.log
        shutdown = Shutdown(proxy: proxy, queue: queue, state: state, notifier: notifier, ended: ended)
        releases = Releases(
            proxy: proxy, journal: journal, resolver: resolver, queue: queue,
            look: { [health = proxy.health] in health.healthyTargets(of: $0) }
        ) { receipt in
            events.post(.release, service: receipt.service, data: receipt)
        }
        upgrades = UpgradeDesk(
            proxy: proxy, releases: releases, shutdown: shutdown, queue: queue, state: state, notifier: notifier, events: events)
        keyWatch = KeyWatch(proxy: proxy, queue: queue, events: events) { [shutdown, upgrades] in
            !shutdown.hasBegun && upgrades.frozenBecause == nil
        }
        keyWatch.begin()
        queue.asyncAfter(deadline: .now() + Self.resolvePeriod) { [weak self] in self?.resolveAgain() }
    }

    /// From now on the process can be replaced by a new one.
    func allowUpgrade(_ surroundings: UpgradeDesk.Surroundings) { queue.async { self.upgrades.attach(surroundings) } }

    /// What is published from now on is published there too.
    func follow(_ former: FormerProcess) { queue.async { self.proxy.former = former } }

    // MARK: - Commands (any thread)

    package func perform(_ command: Signals.Command) {
        switch command {
        case .reload: queue.async { _ = self.reloadNow(.signal) }
        case .reopenLogs: queue.async { self.reopenLogs() }
        case .upgrade: queue.async { self.upgradeNow() }
        case .quickStop: queue.async { self.stopNow(.quick, .signal) }
        case .gracefulStop: queue.async { self.stopNow(.graceful, .signal) }
        }
    }

    func reload(_ conditions: OrderConditions, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        queue.async {
            if let stale = self.staleness(conditions) { return reply(.problem(stale)) }
            reply(Resources.answer(self.reloadNow(conditions), epoch: self.proxy.epoch))
        }
    }

    /// For tests: blocks one loop's thread, and answers when it is. False when there is no such loop.
    func stall(loop: Int, for span: Duration, _ reply: @escaping @Sendable (Bool) -> Void) {
        queue.async {
            guard let worker = self.proxy.workers.first(where: { $0.index == loop }) else { return reply(false) }
            worker.stall(for: span) { reply(true) }
        }
    }

    func shutDown(_ mode: Shutdown.Mode, _ conditions: OrderConditions, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        queue.async {
            if let stale = self.staleness(conditions) { return reply(.problem(stale)) }
            // Answered first: the process may be gone sooner than the order has been carried out.
            reply(.json(ShutdownReply(mode: mode.rawValue), status: 202))
            self.stopNow(mode, conditions)
        }
    }

    /// Where the live configuration has the access log.
    func accessLog(_ reply: @escaping @Sendable (AccessLogConfiguration) -> Void) {
        queue.async { reply(self.proxy.configuration.accessLog) }
    }

    func status(_ reply: @escaping @Sendable (StatusReport) -> Void) { queue.async { reply(self.statusNow()) } }

    // MARK: - Private (on the queue)

    /// Why an order that was given under another epoch is not carried out; nil when it may be.
    private func staleness(_ conditions: OrderConditions) -> Problem? {
        guard let seen = conditions.ifEpoch, seen != proxy.epoch else { return nil }
        return .stale(seen: seen, live: proxy.epoch)
    }

    private func stopNow(_ mode: Shutdown.Mode, _ conditions: OrderConditions) {
        dispatchPrecondition(condition: .onQueue(queue))
        events.post(.shutdown, data: ShutdownEvent(mode: mode.rawValue, actor: conditions.actor, reason: conditions.reason))
        if upgrades.frozenBecause == nil { releases.closedBecause = "sluice is shutting down" }
        upgrades.cancel()
        shutdown.begin(mode)
    }

    private func reloadNow(_ conditions: OrderConditions) -> Reload.Outcome {
        dispatchPrecondition(condition: .onQueue(queue))
        guard !shutdown.hasBegun else {
            return .refused(Reload.Refusal(name: "stopping", detail: "sluice is shutting down"))
        }
        if let reason = upgrades.frozenBecause { return .refused(Reload.Refusal(name: "upgrading", detail: reason)) }
        notifier.reloading()
        let outcome = run(load())
        record(outcome)
        events.post(.reload, data: ReloadEvent(outcome, epoch: proxy.epoch, conditions))
        notifier.ready(status: "serving, epoch \(proxy.epoch)")
        return outcome
    }

    /// The token goes with the rest: a reload that is refused leaves the former one, too.
    private func run(_ loaded: LoadedConfiguration) -> Reload.Outcome {
        let renewed: AdminToken.Loaded?
        do throws(AdminToken.Refusal) {
            renewed = try loaded.token()
        } catch {
            return .refused(Reload.Refusal(name: "token-file", detail: error.message))
        }
        let outcome = Reload(proxy: proxy, resolver: resolver).run(loaded)
        if case .refused = outcome { return outcome }
        token.adopt(renewed)
        keyWatch.begin()
        return outcome
    }

    private func record(_ outcome: Reload.Outcome) {
        var error: String?
        switch outcome {
        case .unchanged: log.info("reload: nothing changed", ["epoch": "\(proxy.epoch)"])
        case .changed(let diff, let warnings):
            log.info("reloaded", ["epoch": "\(proxy.epoch)"])
            for line in diff { log.info("reload: \(line)") }
            for warning in warnings { log.warn(warning.text) }
        case .unconfirmed(let silent, _, _):
            error = "loops \(silent.map(String.init).joined(separator: ", ")) did not confirm epoch \(proxy.epoch) in time"
            log.error(
                "reload not confirmed by every loop", ["epoch": "\(proxy.epoch)", "loops": silent.map(String.init).joined(separator: ",")])
        case .refused(let refusal):
            error = refusal.detail
            log.error("reload refused; the former configuration stays", ["reason": refusal.detail])
            for diagnostic in refusal.diagnostics { log.error(diagnostic.text) }
        }
        lastReload = ReloadStatus(time: WallClock.now().rfc3339, ok: error == nil, error: error)
    }

    private func reopenLogs() {
        dispatchPrecondition(condition: .onQueue(queue))
        do throws(LogError) {
            try proxy.accessLog.reopen()
            log.info("access log reopened")
        } catch {
            log.error("access log not reopened; the former file stays in use", ["reason": error.message])
        }
    }

    private func statusNow() -> StatusReport {
        dispatchPrecondition(condition: .onQueue(queue))
        var report = StatusReport(
            proxy, reports: proxy.reports(within: Self.reportDeadline), state: state.current,
            uptime: ContinuousClock.now - startedAt,
            config: ConfigStatus(file: configPath, lastReload: lastReload))
        report.add(proxy.keys, proxy.configuration, keyWatch)
        let waiting = proxy.waitedFor
        if waiting.contains(where: { $0.inFlight > 0 }) { report.holders = proxy.holders(of: waiting, limit: Self.holdersShown) }
        for (service, stage) in releases.underWay {
            if let index = report.services.firstIndex(where: { $0.name == service }) { report.services[index].deployment = stage }
        }
        return report
    }

    // MARK: - Names that move (on the queue)

    /// The lookups run elsewhere; only their result enters the queue.
    private func resolveAgain() {
        dispatchPrecondition(condition: .onQueue(queue))
        guard !shutdown.hasBegun else { return }
        queue.asyncAfter(deadline: .now() + Self.resolvePeriod) { [weak self] in self?.resolveAgain() }
        let names = proxy.configuration.targetEndpoints(under: proxy.release).filter { Resolver.literal($0) == nil }
        guard !names.isEmpty, !isResolving else { return }
        isResolving = true
        let previous = proxy.resolved
        DispatchQueue.global(qos: .utility).async { [weak self, resolver] in
            let (found, failures) = resolver.resolve(names, previous: previous, keepsLastGood: true)
            guard let self else { return }
            queue.async { self.adopt(found, failures) }
        }
    }

    private func adopt(_ found: [Endpoint: SocketAddress], _ failures: [Resolver.Failure]) {
        dispatchPrecondition(condition: .onQueue(queue))
        isResolving = false
        guard !shutdown.hasBegun, upgrades.frozenBecause == nil else { return }
        for failure in failures {
            log.warn("name not resolved; its last address stays", ["name": failure.endpoint.text, "reason": failure.reason])
        }
        if let silent = Reload(proxy: proxy, resolver: resolver).adopt(found) {
            log.info("addresses changed", ["epoch": "\(proxy.epoch)", "silent_loops": "\(silent.count)"])
        }
    }
}

// MARK: - Upgrade

extension Controller: UpgradeAuthority {
    func upgrade(_ order: UpgradeOrder, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        queue.async {
            if let stale = self.staleness(order.conditions) { return reply(.problem(stale)) }
            self.upgrades.begin(order, reply)
        }
    }

    /// What comes of it, the log tells.
    private func upgradeNow() {
        upgrades.begin(UpgradeOrder(conditions: .signal)) { [log] response in
            if response.status == 409 { log.warn("no upgrade now", ["answer": String(decoding: response.body, as: UTF8.self)]) }
        }
    }
}

// MARK: - Switching

extension Controller: ReleaseAuthority {
    func order(_ order: ReleaseOrder, _ reply: @escaping @Sendable (AdminResponse) -> Void) {
        queue.async {
            self.releases.perform(order) { result in
                switch result {
                case .success(let receipt): reply(.json(receipt, epoch: receipt.epoch))
                case .failure(let refusal): reply(.problem(Problem(refusal)))
                }
            }
        }
    }

    func history(service: String?, limit: Int, _ reply: @escaping @Sendable (Result<[ReleaseRecord], Problem>) -> Void) {
        queue.async {
            if let service, !self.proxy.configuration.services.contains(where: { $0.name == service }),
                self.releases.journal.records(service: service, limit: 1).isEmpty
            {
                let names = self.proxy.configuration.services.map(\.name).joined(separator: ", ")
                return reply(.failure(.notFound("there is no service \(service)", hint: "services: \(names)")))
            }
            // The limit counts changes; each may have its receipt beside it.
            reply(.success(self.releases.journal.records(service: service, limit: min(limit, 1_000_000) * 2)))
        }
    }
}

extension Problem {
    init(_ refusal: ReleaseRefusal) {
        self.init(
            refusal.name, status: refusal.status, title: "Refused; nothing changed", detail: refusal.detail, hint: refusal.hint,
            exitCode: refusal.exitCode,
            targets: refusal.targets.isEmpty ? nil : refusal.targets.map { TargetReason(target: $0.target, reason: $0.reason) })
    }
}
