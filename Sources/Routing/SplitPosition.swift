internal import Synchronization

/// How far the sequence of one split has come: requests that chose a pool by it, all loops together. Belongs to a service's split, not to the
/// service: another split begins at its own first request, so that it is exact from there on. Outlives snapshots in which the split is the same.
package final class SplitPosition: Sendable {
    private let position = Atomic<UInt64>(0)

    package init() {}

    /// Each position is handed out once.
    package func next() -> UInt64 { position.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Where the sequence stands: a process that takes over goes on from there.
    package var current: UInt64 { position.load(ordering: .relaxed) }
    package func goOn(from place: UInt64) { position.store(place, ordering: .relaxed) }
}
