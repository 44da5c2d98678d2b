internal import Synchronization
package import Net

/// What makes two targets the same one over a reload (DESIGN §3): only if all of this is equal do counters and idle connections carry on.
package struct TargetIdentity: Hashable, Sendable {
    package var service: String
    package var pool: String
    /// As the operator wrote it.
    package var text: String
    package var address: SocketAddress
    /// Protocol and TLS settings, as a digest; empty for HTTP/1.1 without TLS.
    package var wire: String
    package init(service: String, pool: String, text: String, address: SocketAddress, wire: String = "") {
        self.service = service
        self.pool = pool
        self.text = text
        self.address = address
        self.wire = wire
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
    /// How it is spoken to.
    package let wire: TargetWire
    /// Exchanges in flight, with a bit for each reason to take none. One word, so that no claim can slip in behind `retire`.
    private let lease = Atomic<Int>(0)
    private static let retiredBit = 1 << 62
    private static let closedBit = 1 << 61
    private static let failingBit = 1 << 60
    /// Any of them: no claim. A load with a reason in it looks busier than any other.
    private static let reasons = retiredBit | closedBit | failingBit

    package init(identity: TargetIdentity, ordinal: Int, serial: UInt64 = 0, wire: TargetWire = .plain) {
        self.identity = identity
        self.ordinal = ordinal
        self.serial = serial
        text = ByteText(identity.text)
        self.wire = wire
    }

    /// Exchanges that hold a lease on this target now, all loops together.
    package var inFlight: Int { lease.load(ordering: .relaxed) & ~Self.reasons }
    /// Left the configuration: no new lease, no idle connection is kept.
    package var isRetired: Bool { lease.load(ordering: .relaxed) & Self.retiredBit != 0 }

    /// Drained by an operator: no new lease, no idle connection is kept, until it is opened again.
    package var isClosed: Bool { lease.load(ordering: .relaxed) & Self.closedBit != 0 }
    /// Its checks say so, or have not passed yet: no new lease.
    package var isFailing: Bool { lease.load(ordering: .relaxed) & Self.failingBit != 0 }
    /// Whether connections to it may wait for another exchange. Never those that have begun with a client's address.
    package var keepsIdleConnections: Bool {
        lease.load(ordering: .relaxed) & (Self.retiredBit | Self.closedBit) == 0 && wire.proxyHeader == .none
    }

    /// By the control plane alone; takes effect at once, on every loop.
    package func setClosed(_ isClosed: Bool) { set(Self.closedBit, isClosed) }
    package func setFailing(_ isFailing: Bool) { set(Self.failingBit, isFailing) }

    /// For good: a target that comes back into the configuration is a new object. After this returns, `inFlight` only falls, but for claims
    /// that are being undone.
    package func retire() { lease.bitwiseOr(Self.retiredBit, ordering: .acquiringAndReleasing) }

    /// Raises the count; false, and the count as it was, when the target has retired, is closed or failing.
    @discardableResult
    package func claim() -> Bool {
        guard lease.wrappingAdd(1, ordering: .acquiring).oldValue & Self.reasons == 0 else {
            lease.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }

    /// Gives one claim back.
    package func release() {
        let before = lease.wrappingSubtract(1, ordering: .releasing).oldValue
        assert(before & ~Self.reasons > 0, "a target was released more often than claimed")
    }

    /// Count and reasons as one number, for a scan that must not load twice: a target that takes no lease looks busier than any other.
    var load: Int { lease.load(ordering: .relaxed) }
    static func takesNone(load: Int) -> Bool { load >= failingBit }

    private func set(_ bit: Int, _ isSet: Bool) {
        if isSet {
            lease.bitwiseOr(bit, ordering: .acquiringAndReleasing)
        } else {
            lease.bitwiseAnd(~bit, ordering: .acquiringAndReleasing)
        }
    }
}
