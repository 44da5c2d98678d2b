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
    /// Never used again, unlike the ordinal: tells per-loop tables that a row has a new owner. 0 = not of a registry.
    package let serial: UInt64
    /// `identity.text`, for the log.
    package let text: ByteText
    /// Exchanges in flight, with `retiredBit` set once the target has left. One word, so that no claim can slip in behind `retire`.
    private let lease = Atomic<Int>(0)
    private static let retiredBit = 1 << 62

    package init(identity: TargetIdentity, ordinal: Int, serial: UInt64 = 0) {
        self.identity = identity
        self.ordinal = ordinal
        self.serial = serial
        text = ByteText(identity.text)
    }

    /// Exchanges that hold a lease on this target now, all loops together.
    package var inFlight: Int { lease.load(ordering: .relaxed) & ~Self.retiredBit }
    /// Left the configuration: no new lease, no idle connection is kept.
    package var isRetired: Bool { lease.load(ordering: .relaxed) & Self.retiredBit != 0 }

    /// For good: a target that comes back into the configuration is a new object. After this returns, `inFlight` only falls, but for claims
    /// that are being undone.
    package func retire() { lease.bitwiseOr(Self.retiredBit, ordering: .acquiringAndReleasing) }

    /// Raises the count; false, and the count as it was, when the target has retired.
    @discardableResult
    package func claim() -> Bool {
        guard lease.wrappingAdd(1, ordering: .acquiring).oldValue & Self.retiredBit == 0 else {
            lease.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives one claim back.
    package func release() {
        let before = lease.wrappingSubtract(1, ordering: .releasing).oldValue
        assert(before & ~Self.retiredBit > 0, "a target was released more often than claimed")
    }

    /// Count and retired bit as one number, for a scan that must not load twice: a retired target looks busier than any other.
    var load: Int { lease.load(ordering: .relaxed) }
    static func isRetired(load: Int) -> Bool { load >= retiredBit }
}
