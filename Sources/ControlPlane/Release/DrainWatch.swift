internal import Dispatch
internal import Routing

/// Waits until nothing holds a set of targets any more, or a deadline. Confined to the control queue, which it never blocks.
///
/// SAFETY: touched on the control queue alone.
final class DrainWatch: @unchecked Sendable {
    private static let step = DispatchTimeInterval.milliseconds(5)

    /// Where another process has to be asked.
    private static let longStep = DispatchTimeInterval.milliseconds(50)

    private let targets: [Target]
    private let former: FormerProcess?
    private let until: ContinuousClock.Instant
    private let queue: DispatchQueue
    private var ended: ((_ isDrained: Bool) -> Void)?

    /// - Parameters:
    ///   - former: may hold them too.
    ///   - ended: called once, on the queue; at once when there is nothing to wait for.
    init(
        _ targets: [Target], former: FormerProcess? = nil, within limit: Duration, on queue: DispatchQueue,
        ended: @escaping (_ isDrained: Bool) -> Void
    ) {
        self.targets = targets
        self.former = former
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
        let isFree = targets.allSatisfy { $0.inFlight == 0 }
        if isFree, former?.inFlight(targets) ?? 0 == 0 { return end(true) }
        if ContinuousClock.now >= until { return end(false) }
        queue.asyncAfter(deadline: .now() + (isFree ? Self.longStep : Self.step)) { [self] in look() }
    }

    private func end(_ isDrained: Bool) {
        let ended = ended
        self.ended = nil
        ended?(isDrained)
    }
}
