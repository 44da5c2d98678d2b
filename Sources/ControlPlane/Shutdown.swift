internal import Config
internal import DataPlane
internal import Dispatch
internal import Routing
internal import Telemetry

/// The way out: lame duck → stop accepting → drain → stop the loops. Confined to the control queue; never waits on it for long, so that
/// `status` answers all the while.
///
/// SAFETY: created before the queue's first job, touched on the queue alone from then on.
final class Shutdown: @unchecked Sendable {
    enum Mode: String {
        /// Whatever is in flight gets a moment.
        case quick
        /// Lame duck, then what is in flight gets `shutdown.drain_timeout`.
        case graceful
        /// Another process serves: exchanges as in `graceful`, tunnels get their service's `drain.tunnels`.
        case handedOver = "handed-over"
    }

    private enum Stage {
        /// Next: `.lameDuck`, `.draining`.
        case notBegun
        /// Next: `.draining`.
        case lameDuck
        /// Accepting no more. Next: `.ended`.
        case draining(Mode, until: ContinuousClock.Instant)
        case ended
    }

    /// What a response in flight may take after TERM.
    private static let quickGrace = Duration.seconds(1)
    /// How often the loops are asked what is left.
    private static let step = DispatchTimeInterval.milliseconds(20)
    /// Where tunnels may take minutes and nobody waits.
    private static let longStep = DispatchTimeInterval.milliseconds(100)

    private let proxy: Proxy
    private let queue: DispatchQueue
    private let state: ServingState
    private let notifier: ServiceNotifier
    private let ended: @Sendable () -> Void
    private var stage = Stage.notBegun

    init(proxy: Proxy, queue: DispatchQueue, state: ServingState, notifier: ServiceNotifier, ended: @escaping @Sendable () -> Void) {
        self.proxy = proxy
        self.queue = queue
        self.state = state
        self.notifier = notifier
        self.ended = ended
    }

    var hasBegun: Bool { if case .notBegun = stage { false } else { true } }

    /// A second order may only hasten the first: quick overtakes graceful, quick twice means at once.
    func begin(_ mode: Mode) {
        switch (stage, mode) {
        case (.notBegun, .quick):
            proxy.log.info("stopping", ["mode": "quick"])
            notifier.stopping(status: "stopping")
            drain(.quick)
        case (.notBegun, .graceful):
            proxy.log.info("stopping", ["mode": "graceful"])
            notifier.stopping(status: "draining")
            enterLameDuck()
        case (.notBegun, .handedOver):
            proxy.log.info("draining; another process serves")
            drain(.handedOver)
        case (.lameDuck, .quick): drain(.quick)
        case (.draining(.graceful, _), .quick), (.draining(.handedOver, _), .quick):
            stage = .draining(.quick, until: .now + Self.quickGrace)
            proxy.workers.forEach { $0.endHolds() }
        case (.draining(.quick, _), .quick): end()
        case (.lameDuck, .graceful), (.draining, .graceful), (_, .handedOver), (.ended, _): break
        }
    }

    // MARK: - Private

    private func enterLameDuck() {
        let lameDuck = proxy.configuration.shutdown.lameDuck
        guard lameDuck > .zero else { return drain(.graceful) }
        stage = .lameDuck
        state.enter(.lameDuck)
        queue.asyncAfter(deadline: .now() + lameDuck.dispatch) { [self] in
            if case .lameDuck = stage { drain(.graceful) }
        }
    }

    private func drain(_ mode: Mode) {
        state.enter(.draining)
        stage = .draining(mode, until: .now + grace(mode))
        proxy.close(proxy.listeners.closeAll(), within: Self.quickGrace)
        proxy.workers.forEach { $0.drainConnections() }
        // Graceful, a pause may still end before the deadline.
        if mode == .quick { proxy.workers.forEach { $0.endHolds() } }
        if mode == .handedOver { endAll(exchanges: proxy.configuration.shutdown.drainTimeout, tunnelsSince: .zero) }
        look()
    }

    private func grace(_ mode: Mode) -> Duration {
        let exchanges = proxy.configuration.shutdown.drainTimeout
        return switch mode {
        case .quick: Self.quickGrace
        case .graceful: exchanges
        case .handedOver: max(exchanges, proxy.configuration.services.map(\.drain.tunnels).max() ?? .zero) + Self.quickGrace
        }
    }

    /// Deadlines for all that holds a target; what begins later, on connections that were idle, gets its own when these are over.
    private func endAll(exchanges: Duration, tunnelsSince: Duration) {
        for service in proxy.snapshot.services {
            let given = proxy.configuration.services.first { $0.name == service.name }?.drain.tunnels ?? Defaults.tunnelDrainTimeout
            for target in service.pools.flatMap(\.members).map(\.target) {
                for worker in proxy.workers {
                    worker.endLeases(on: target, exchanges: exchanges, tunnels: max(.zero, given - tunnelsSince))
                }
            }
        }
        guard exchanges > .zero else { return proxy.workers.forEach { $0.endHolds() } }
        queue.asyncAfter(deadline: .now() + exchanges.dispatch) { [self] in
            if case .draining(.handedOver, _) = stage { endAll(exchanges: .zero, tunnelsSince: exchanges + tunnelsSince) }
        }
    }

    private func look() {
        guard case .draining(let mode, let until) = stage else { return }
        let reports = proxy.reports(within: .milliseconds(500))
        let left = reports.reduce(0) { sum, report in
            guard let report else { return sum + 1 }
            return sum + (mode == .quick ? report.exchangesInFlight : report.downstreamConnections)
        }
        if left == 0 { return end() }
        if ContinuousClock.now >= until {
            proxy.log.warn("not everything finished in time", ["left": "\(left)"])
            return end()
        }
        queue.asyncAfter(deadline: .now() + (mode == .handedOver ? Self.longStep : Self.step)) { [self] in look() }
    }

    private func end() {
        stage = .ended
        let stopped = Answers<Void>(count: proxy.workers.count)
        for (position, worker) in proxy.workers.enumerated() { worker.stop { _ in stopped.put((), at: position) } }
        if stopped.wait(for: .seconds(2)).contains(where: { $0 == nil }) { proxy.log.warn("a loop did not stop in time") }
        proxy.accessLog.close()
        proxy.log.info("stopped", ["epoch": "\(proxy.epoch)"])
        ended()
    }
}

extension Duration {
    /// For Dispatch's clock; more than a century becomes a century.
    var dispatch: DispatchTimeInterval {
        let parts = components
        guard parts.seconds < 3_000_000_000 else { return .seconds(3_000_000_000) }
        return .nanoseconds(Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000))
    }
}
