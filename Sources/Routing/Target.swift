internal import Synchronization
package import Net

/// What makes two targets the same one over a reload (DESIGN §3): only if all of this is equal do counters and idle connections carry on.
package struct TargetIdentity: Hashable, Sendable {
    package var service: String
    package var pool: String
    /// As the operator wrote it.
    package var text: String
    package var address: SocketAddress
    package init(service: String, pool: String, text: String, address: SocketAddress) {
        self.service = service
        self.pool = pool
        self.text = text
        self.address = address
    }
}

/// One upstream address: the one thing that loops share. Outlives snapshots. All mutable state is atomic.
package final class Target: Sendable {
    package let identity: TargetIdentity
    /// Small dense number for per-loop tables; given by `TargetRegistry`, reused only after the target was retired and is unreferenced.
    package let ordinal: Int
    private let inFlightCount = Atomic<Int>(0)
    private let retired = Atomic<Bool>(false)

    package init(identity: TargetIdentity, ordinal: Int) {
        self.identity = identity
        self.ordinal = ordinal
    }

    /// Exchanges that hold a lease on this target now, all loops together.
    package var inFlight: Int { inFlightCount.load(ordering: .relaxed) }
    /// Left the configuration: no new lease, no idle connection is kept.
    package var isRetired: Bool { retired.load(ordering: .relaxed) }
    package func retire() { retired.store(true, ordering: .releasing) }
    package func claim() { inFlightCount.wrappingAdd(1, ordering: .relaxed) }
    package func release() { inFlightCount.wrappingSubtract(1, ordering: .relaxed) }
}
