package import Net
package import Policy

package struct PoolMember: Sendable {
    package let target: Target
    package let weight: Int
    /// Closed by a command: in the pool to be seen, not to be chosen. nil = ready.
    package let closed: ServiceRelease.AdminState?
    package init(target: Target, weight: Int, closed: ServiceRelease.AdminState? = nil) {
        self.target = target
        self.weight = weight
        self.closed = closed
    }
}

/// One version's set of targets. Immutable but for the counts on its targets.
package final class Pool: Sendable {
    package let name: String
    package let nameText: ByteText
    /// In file order.
    package let members: [PoolMember]
    package let cursor: PoolCursor
    /// Number of this pool in per-loop tables, the same in every snapshot; grows only when a pool of a new name comes.
    package let ordinal: Int
    package let balance: Balancer
    private let seats: Seats

    /// - Parameter sequence: the turns by the weights of the members that are ready; worked out here when not given.
    package init(
        name: String, members: [PoolMember], cursor: PoolCursor, balance: Balancer = .roundRobin, sequence: SmoothSequence? = nil
    ) {
        self.name = name
        nameText = ByteText(name)
        self.members = members
        self.cursor = cursor
        ordinal = cursor.ordinal
        self.balance = balance
        let ready = members.filter { $0.closed == nil }
        seats = Seats(ready, sequence: sequence ?? SmoothSequence(weights: ready.map { max(1, $0.weight) }))
    }

    /// Chooses by the pool's balance and claims: the target's count is raised before this returns, and given back by `Target.release()`.
    /// No lock, no allocation; any thread. Nil when every target has retired or there is none.
    ///
    /// Least-connections reads the counts of all loops without stopping them: two loops that choose in the same instant may choose the same
    /// target, and the next choice makes it up.
    /// - Parameter excluded: ordinal of the target that failed this exchange last; it is chosen only if nothing else is left.
    package func claimTarget(excluding excluded: Int? = nil) -> Target? {
        let excluded = excluded.map { Int32(clamping: $0) } ?? -1
        // A claim fails only when its target retired since it was chosen, so each turn of this loop uses one up.
        for _ in 0...seats.count {
            var index = choose(excluding: excluded)
            if index < 0 && excluded >= 0 { index = choose(excluding: -1) }
            guard index >= 0 else { return nil }
            if let target = seats.claim(index) { return target }
        }
        return nil
    }

    /// Exchanges that hold a lease on one of its targets now.
    package var inFlight: Int { members.reduce(0) { $0 + $1.target.inFlight } }

    // MARK: - Private

    /// Index of a seat; -1 when none may be taken.
    private func choose(excluding excluded: Int32) -> Int {
        switch balance {
        case .roundRobin: seats.takeTurn(cursor, excluding: excluded)
        case .leastConnections: seats.leastLoaded(cursor, excluding: excluded)
        }
    }
}
