/// An exchange's claim: a place in its service and a count on its target, both raised before it is made and given back exactly once.
///
/// Kept as `Lease?` in the class of an exchange and taken out by `take()`. Holds one strong reference, to the service: that one keeps its
/// pools, and they their targets.
package struct Lease: ~Copyable {
    package let service: Service
    // Both are reached from `service`, which is immutable and held: not counted, as that would show per request.
    private let heldPool: Unmanaged<Pool>
    private let heldTarget: Unmanaged<Target>
    private var isReleased = false

    package var pool: Pool { heldPool.takeUnretainedValue() }
    package var target: Target { heldTarget.takeUnretainedValue() }

    /// - Parameters:
    ///   - service: has admitted the exchange (`ServiceState.admit`).
    ///   - pool: one of the service's.
    ///   - target: one of the pool's, claimed (`Pool.claimTarget`).
    package init(service: __shared Service, pool: __shared Pool, target: __shared Target) {
        assert(
            service.pools.contains { $0 === pool } && pool.members.contains { $0.target === target },
            "a lease holds its pool by its service")
        self.service = service
        heldPool = .passUnretained(pool)
        heldTarget = .passUnretained(target)
    }

    deinit { assert(isReleased, "a lease was dropped without a release: its target would never drain") }

    /// A further attempt: keeps the place in the service, gives the former target back.
    /// - Parameters:
    ///   - target: claimed already, so that the service's count never looks like zero in between.
    ///   - service: the same one; after a new epoch, rebuilt. Its place is kept, as its `state` is.
    package consuming func moved(to target: Target, of pool: Pool, in service: Service) -> Lease {
        assert(service.state === self.service.state, "a lease stays with its service")
        heldTarget._withUnsafeGuaranteedRef { $0.release() }
        isReleased = true
        return Lease(service: service, pool: pool, target: target)
    }

    /// Gives the target back and keeps the place in the service: for an exchange that must wait before it chooses again.
    package consuming func releaseTarget() {
        heldTarget._withUnsafeGuaranteedRef { $0.release() }
        isReleased = true
    }

    package consuming func release() {
        heldTarget._withUnsafeGuaranteedRef { $0.release() }
        service.state.leave()
        isReleased = true
    }
}
