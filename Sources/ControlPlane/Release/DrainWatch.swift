internal import Dispatch
internal import Routing

/// Waits until nothing holds a set of targets any more, or a deadline. Confined to the control queue, which it never blocks.
final class DrainWatch: @unchecked Sendable {
    // SAFETY: touched on the control queue alone.

    private static let step = DispatchTimeInterval.milliseconds(5)

    private let targets: [Target]
    private let until: ContinuousClock.Instant
    private let queue: DispatchQueue
    private var ended: ((_ isDrained: Bool) -> Void)?

    /// - Parameter ended: called once, on the queue; at once when there is nothing to wait for.
    init(_ targets: [Target], within limit: Duration, on queue: DispatchQueue, ended: @escaping (_ isDrained: Bool) -> Void) {
        self.targets = targets
        until = .now + limit
        self.queue = queue
        self.ended = ended
    }

    func begin() { look() }

    /// Somebody else has taken over: ends as not drained.
    func cancel() { end(false) }

    // MARK: - Private

    private func look() {
        guard ended != nil else { return }
        if targets.allSatisfy({ $0.inFlight == 0 }) { return end(true) }
        if ContinuousClock.now >= until { return end(false) }
        queue.asyncAfter(deadline: .now() + Self.step) { [self] in look() }
    }

    private func end(_ isDrained: Bool) {
        let ended = ended
        self.ended = nil
        ended?(isDrained)
    }
}
