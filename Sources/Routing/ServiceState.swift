internal import Synchronization

/// What of a service outlives snapshots: positions and counts, keyed by the service's name.
package final class ServiceState: Sendable {
    package let name: String
    /// Requests that chose a pool so far: the position in the split's sequence, shared by all loops.
    private let splitPosition = Atomic<UInt64>(0)
    private let active = Atomic<Int>(0)
    private let queued = Atomic<Int>(0)

    package init(name: String) { self.name = name }

    package func nextSplitPosition() -> UInt64 { splitPosition.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Takes one of `limit` places (0 = no limit); false when all are taken.
    package func admit(limit: Int) -> Bool {
        let before = active.wrappingAdd(1, ordering: .relaxed).oldValue
        if limit > 0 && before >= limit {
            active.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
    package func leave() { active.wrappingSubtract(1, ordering: .relaxed) }
    package var activeCount: Int { active.load(ordering: .relaxed) }

    /// Takes a place in the queue of `limit`; false when it is full.
    package func enqueue(limit: Int) -> Bool {
        let before = queued.wrappingAdd(1, ordering: .relaxed).oldValue
        if before >= limit {
            queued.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
    package func dequeue() { queued.wrappingSubtract(1, ordering: .relaxed) }
    package var queuedCount: Int { queued.load(ordering: .relaxed) }
}
