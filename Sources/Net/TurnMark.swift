internal import Synchronization

/// Whether a loop is in a turn, for other threads to see.
///
/// What it is for: a thread stores a value, then asks `isBetweenTurns`. If so, the loop's last turn is over and seen whole, and the next one
/// will see the value: each side stores, fences, loads, so at least one of them sees the other. A loop that sleeps, or waits for a core, need
/// not be woken for that.
package final class TurnMark: Sendable {
    private let isInTurn = Atomic<Bool>(false)

    init() {}

    package var isBetweenTurns: Bool {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return !isInTurn.load(ordering: .acquiring)
    }

    /// On the loop's thread, before the first handler runs.
    @inline(__always)
    func begin() {
        isInTurn.store(true, ordering: .relaxed)
        atomicMemoryFence(ordering: .sequentiallyConsistent)
    }

    /// On the loop's thread, when the last one has returned.
    @inline(__always)
    func end() { isInTurn.store(false, ordering: .releasing) }
}
