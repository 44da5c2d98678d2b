internal import Net
internal import Routing
internal import Telemetry

/// When an operator wants a lease back: deadlines for what still runs on a target that leaves or is drained. And when the client does.
extension Exchange {
    func holds(_ target: Target) -> Bool { isInUse && self.target === target }

    func setDrainDeadline(exchanges: Instant, tunnels: Instant) {
        drainDeadline = exchanges
        tunnelDeadline = tunnels
        upstream?.limitDeadline()
    }

    /// The deadline that the exchange would have now was overwritten: it gets that span once more.
    func clearDrainDeadline() {
        guard leaseDeadline != .never else { return }
        drainDeadline = .never
        tunnelDeadline = .never
        guard let upstream, let timeouts = service?.timeouts else { return }
        switch machine.state {
        case .connecting: upstream.setDeadline(after: timeouts.connect)
        case .requesting: upstream.setDeadline(after: requestBody.isFinished ? timeouts.responseHeader : TimeSpan(nanoseconds: .max))
        case .responding: upstream.setDeadline(after: timeouts.idle)
        case .tunnel: upstream.setDeadline(after: timeouts.tunnel)
        case .free, .held, .queued, .answering, .ended: break
        }
    }

    /// The deadline that rules now, beside the spans of the phases.
    var leaseDeadline: Instant {
        if case .tunnel = machine.state { tunnelDeadline } else { min(drainDeadline, callDeadline) }
    }

    /// A tunnel may end anywhere: it is closed, not reset. An exchange must not look whole.
    func leaseDeadlineReached() {
        if case .tunnel = machine.state { return endTunnel(.operator) }
        upstreamFailed(worker.loop.now >= callDeadline ? .callDeadline : .drainDeadline)
    }
}

extension Worker {
    /// The last part of the span over which tunnels are closed: thousands of WebSockets that end in one instant come back in one.
    private static let spreadPart: Int64 = 10

    /// - Parameter span: for exchanges that are no tunnels; nil = they take their time.
    func endLeases(on target: Target, exchanges span: TimeSpan?, tunnels: TimeSpan) {
        for exchange in exchanges where exchange.holds(target) {
            let early = Int64.random(in: 0...max(0, tunnels.nanoseconds / Self.spreadPart))
            exchange.setDrainDeadline(
                exchanges: span.map { loop.now + $0 } ?? .never,
                tunnels: loop.now + TimeSpan(nanoseconds: tunnels.nanoseconds - early))
        }
    }

    func keepLeases(on target: Target) {
        for exchange in exchanges where exchange.holds(target) { exchange.clearDrainDeadline() }
    }
}
