internal import Routing

/// Makes a snapshot the one that every loop uses, and knows who has confirmed it. Confined to the control queue.
struct Publisher {
    /// What came of a publish. The snapshot is live in any case: a loop that kept silent takes it before it chooses again.
    struct Publication {
        var replaced: Snapshot
        var time: WallClock
        /// From the publish to the acknowledgement of each loop, in the order of `workers`; nil = silent until the deadline.
        var acknowledgements: [Duration?]
        /// Loops that did not acknowledge before the deadline.
        var silent: [Int]
    }

    let cell: SnapshotCell
    let workers: [any WorkerFace]
    /// A loop's turn takes microseconds; one that has not ended in this time is stuck, and the command says so.
    var deadline: Duration = .seconds(5)

    /// - Parameter snapshot: its epoch must be greater than the live one's.
    func publish(_ snapshot: Snapshot) -> Publication {
        let (time, began) = (WallClock.now(), ContinuousClock.now)
        let replaced = cell.publish(snapshot)
        let moments = acknowledgements(of: snapshot.epoch, within: deadline, awake: false)
        return Publication(replaced: replaced, time: time, acknowledgements: moments.map { $0.map { $0 - began } }, silent: silent(moments))
    }

    /// Has every loop adopt the newest snapshot and let go of what has retired; returns those that did not say so in time.
    func confirm(_ epoch: Epoch, within limit: Duration) -> [Int] { silent(acknowledgements(of: epoch, within: limit, awake: true)) }

    // MARK: - Private

    /// - Parameter awake: only a loop that has adopted the epoch counts; otherwise one between two turns does, too, since it adopts the epoch before
    ///   it chooses again. It is told all the same.
    private func acknowledgements(of epoch: Epoch, within limit: Duration, awake: Bool) -> [ContinuousClock.Instant?] {
        let answers = Answers<ContinuousClock.Instant>(count: workers.count)
        for (position, worker) in workers.enumerated() {
            if !awake, worker.isBetweenTurns { answers.put(.now, at: position) }
            worker.adoptNewest { _, adopted in
                if adopted >= epoch { answers.put(.now, at: position) }
            }
        }
        return answers.wait(for: limit)
    }

    private func silent(_ moments: [ContinuousClock.Instant?]) -> [Int] {
        moments.enumerated().filter { $0.element == nil }.map { workers[$0.offset].index }
    }
}
