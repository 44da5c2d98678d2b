internal import Config
internal import Dispatch
internal import Net
internal import Telemetry

/// The single writer: one serial queue on which every command, signal and timer of the control plane runs, one after the other.
package final class Controller: @unchecked Sendable {
    // SAFETY: everything but the constants is touched on `queue` alone; `dispatchPrecondition` at each entry says so.

    private let queue = DispatchQueue(label: "sluice.control")
    private let state: ServingState
    private let notifier: ServiceNotifier
    private let log: OperatorLog
    private let configPath: String
    private let load: @Sendable () -> LoadedConfiguration
    private let proxy: Proxy
    private let resolver: Resolver
    private let shutdown: Shutdown
    private let startedAt = ContinuousClock.now
    private var lastReload: ReloadStatus?
    private var isResolving = false

    /// How often names are looked up again (their TTL is not told by getaddrinfo).
    private static let resolvePeriod = DispatchTimeInterval.seconds(30)
    private static let reportDeadline = Duration.seconds(1)

    /// - Parameter ended: runs once, when the loops have stopped and the process may exit.
    init(
        proxy: Proxy, resolver: Resolver, state: ServingState, notifier: ServiceNotifier, configPath: String,
        load: @escaping @Sendable () -> LoadedConfiguration, ended: @escaping @Sendable () -> Void
    ) {
        self.proxy = proxy
        self.resolver = resolver
        self.state = state
        self.notifier = notifier
        self.configPath = configPath
        self.load = load
        log = proxy.log
        shutdown = Shutdown(proxy: proxy, queue: queue, state: state, notifier: notifier, ended: ended)
        queue.asyncAfter(deadline: .now() + Self.resolvePeriod) { [weak self] in self?.resolveAgain() }
    }

    // MARK: - Commands (any thread)

    package func perform(_ command: Signals.Command) {
        switch command {
        case .reload: queue.async { _ = self.reloadNow() }
        case .reopenLogs: queue.async { self.reopenLogs() }
        case .quickStop: stop(.quick)
        case .gracefulStop: stop(.graceful)
        }
    }

    func reload(_ reply: @escaping @Sendable (AdminResponse) -> Void) {
        queue.async { reply(Resources.answer(self.reloadNow(), epoch: self.proxy.epoch)) }
    }

    /// For tests: blocks one loop's thread. False when there is no such loop.
    func stall(loop: Int, for span: Duration, _ reply: @escaping @Sendable (Bool) -> Void) {
        queue.async {
            let worker = self.proxy.workers.first { $0.index == loop }
            worker?.stall(for: span)
            reply(worker != nil)
        }
    }

    func stop(_ mode: Shutdown.Mode) { queue.async { self.shutdown.begin(mode) } }

    func status(_ reply: @escaping @Sendable (StatusReport) -> Void) { queue.async { reply(self.statusNow()) } }

    // MARK: - Private (on the queue)

    private func reloadNow() -> Reload.Outcome {
        dispatchPrecondition(condition: .onQueue(queue))
        guard !shutdown.hasBegun else {
            return .refused(Reload.Refusal(name: "stopping", detail: "sluice is shutting down"))
        }
        notifier.reloading()
        let outcome = Reload(proxy: proxy, resolver: resolver).run(load())
        record(outcome)
        notifier.ready(status: "serving, epoch \(proxy.epoch)")
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
        return StatusReport(
            proxy, reports: proxy.reports(within: Self.reportDeadline), state: state.current, uptime: ContinuousClock.now - startedAt,
            config: ConfigStatus(file: configPath, lastReload: lastReload))
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
        guard !shutdown.hasBegun else { return }
        for failure in failures {
            log.warn("name not resolved; its last address stays", ["name": failure.endpoint.text, "reason": failure.reason])
        }
        if let silent = Reload(proxy: proxy, resolver: resolver).adopt(found) {
            log.info("addresses changed", ["epoch": "\(proxy.epoch)", "silent_loops": "\(silent.count)"])
        }
    }
}
