internal import Synchronization

/// Where loops find the newest snapshot: one atomic epoch to compare, one lock to take the reference when it differs.
/// The control plane alone publishes.
package final class SnapshotCell: Sendable {
    private let newest = Atomic<Epoch>(0)
    private let held: Mutex<Snapshot>

    package init(_ first: Snapshot) {
        held = Mutex(first)
        newest.store(first.epoch, ordering: .releasing)
    }

    /// One atomic load; what each exchange compares with its loop's cached epoch before it chooses.
    package var epoch: Epoch { newest.load(ordering: .acquiring) }

    package func load() -> Snapshot { held.withLock { $0 } }

    /// Returns what was replaced, so that the caller drains it on its next line.
    package func publish(_ snapshot: Snapshot) -> Snapshot {
        let old = held.withLock { held -> Snapshot in
            let old = held
            precondition(snapshot.epoch > old.epoch, "epochs only grow: \(old.epoch) then \(snapshot.epoch)")
            held = snapshot
            return old
        }
        newest.store(snapshot.epoch, ordering: .sequentiallyConsistent)
        return old
    }
}
