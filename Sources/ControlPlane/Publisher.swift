internal import Routing

/// Makes a snapshot the one that every loop uses, and knows who has confirmed it. Confined to the control queue.
struct Publisher {
    /// What came of a publish. The snapshot is live in any case: a loop that kept silent takes it before it chooses again.
    struct Publication {
        var replaced: Snapshot
        /// Loops that did not acknowledge before the deadline.
        var silent: [Int]
    }

    let cell: SnapshotCell
    let workers: [any WorkerFace]
    /// A loop's turn takes microseconds; one that has not ended in this time is stuck, and the command says so.
    var deadline: Duration = .seconds(5)

    /// - Parameter snapshot: its epoch must be greater than the live one's.
    func publish(_ snapshot: Snapshot) -> Publication {
        let replaced = cell.publish(snapshot)
        return Publication(replaced: replaced, silent: confirm(snapshot.epoch, within: deadline))
    }

    /// Has every loop adopt the newest snapshot and let go of what has retired; returns those that did not say so in time.
    func confirm(_ epoch: Epoch, within limit: Duration) -> [Int] {
        let acknowledgements = Answers<Void>(count: workers.count)
        for (position, worker) in workers.enumerated() {
            worker.adoptNewest { _, adopted in
                if adopted >= epoch { acknowledgements.put((), at: position) }
            }
        }
        return acknowledgements.wait(for: limit).enumerated().filter { $0.element == nil }.map { workers[$0.offset].index }
    }
}
