package import Net
package import Config
internal import Policy

/// One application: its pools, the split between them, its policies. Immutable; its `state` is what carries on.
package final class Service: Sendable {
    package let name: String
    package let nameText: ByteText
    /// In file order.
    package let pools: [Pool]
    /// The live split, in parts per million for each of `pools`.
    package let shares: [UInt32]
    package let state: ServiceState
    /// How many further attempts an exchange may have.
    package let retryAttempts: Int
    package let timeouts: Timeouts
    package let limits: AdmissionLimits
    package let drain: DrainTimes
    /// Set = nothing of this service begins; what comes is held.
    package let pause: PauseGate?
    /// Nil where the split's sequence alone decides.
    package let steering: Steering?
    private let split: Split
    package let splitPosition: SplitPosition

    /// - Parameters:
    ///   - shares: for each of `pools`, in proportion; a missing one is 0. Nil = everything to the first pool.
    ///   - splitPosition: of the split that these shares are.
    package init(
        name: String, pools: [Pool], shares: [UInt32]? = nil, splitPosition: SplitPosition = SplitPosition(), state: ServiceState,
        retryAttempts: Int,
        timeouts: TimeoutConfiguration = .init(), limits: ServiceLimits, drain: DrainConfiguration, rules: [RuleConfiguration] = [],
        sticky: StickyConfiguration? = nil, pause: PauseGate? = nil
    ) {
        self.name = name
        nameText = ByteText(name)
        self.pools = pools
        self.state = state
        self.retryAttempts = retryAttempts
        self.timeouts = Timeouts(timeouts)
        self.limits = AdmissionLimits(limits)
        self.drain = DrainTimes(drain)
        self.pause = pause
        let given = shares ?? [1_000_000]
        self.shares = pools.indices.map { given.indices.contains($0) ? given[$0] : 0 }
        split = Split(weights: self.shares)
        self.splitPosition = splitPosition
        steering = Steering(service: name, rules: rules, sticky: sticky, pools: pools.map(\.name), weights: self.shares)
    }

    /// Takes one of the service's places (`limits.max_requests`); false when all are taken.
    package func admit() -> Bool { state.admit(limit: limits.maxRequests) }

    /// The pool for the next request by the split; nil when no pool has a weight. One position for all loops: exact across them.
    /// Where one pool takes everything no position is counted, so that loops do not contend for it.
    package func choosePool() -> Pool? {
        if let only = split.onlyPool { return pools[only] }
        guard let index = split.pool(at: splitPosition.next()) else { return nil }
        return pools[index]
    }

    /// The pool of a steered choice: the one it names, or the sequence's next.
    package func pool(for choice: Steering.Choice) -> Pool? { pools.indices.contains(choice.pool) ? pools[choice.pool] : choosePool() }
}
