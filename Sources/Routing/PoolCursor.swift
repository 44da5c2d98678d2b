internal import Synchronization

/// A pool's place in its turns; outlives snapshots, keyed by service and pool name. Shared by all loops.
package final class PoolCursor: Sendable {
    /// Small number for per-loop tables; given by `TargetRegistry`, never again to another pool.
    let ordinal: Int
    private let position = Atomic<UInt64>(0)

    package init(ordinal: Int = 0) { self.ordinal = ordinal }

    /// Each position is handed out once: what makes round-robin exact across loops.
    package func next() -> UInt64 { position.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Where the turns stand: a process that takes over goes on from there.
    package var place: UInt64 { position.load(ordering: .relaxed) }
    package func goOn(from place: UInt64) { position.store(place, ordering: .relaxed) }

    /// Where a scan for the least loaded begins. Two loops may begin at the same place; that costs fairness of one tie, nothing else.
    var scanStart: UInt64 { position.load(ordering: .relaxed) }
    func beginNextScan(at start: Int) { position.store(UInt64(truncatingIfNeeded: start), ordering: .relaxed) }
}
