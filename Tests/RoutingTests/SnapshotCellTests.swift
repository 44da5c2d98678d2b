import Routing
import Synchronization
import Testing

@Suite("Snapshot cell")
struct SnapshotCellTests {
    @Test("publishing returns what was replaced and shows the new epoch")
    func publish() {
        let first = Snapshot(epoch: 1)
        let cell = SnapshotCell(first)
        let second = Snapshot(epoch: 2)
        #expect(cell.publish(second) === first)
        #expect(cell.epoch == 2 && cell.load() === second)
    }

    @Test("a loop that sees an epoch gets a snapshot at least as new")
    func monotone() {
        let cell = SnapshotCell(Snapshot(epoch: 1))
        let isBroken = Failure()
        onThreads(4) { thread in
            for round in 0..<2000 {
                if thread == 0 {
                    _ = cell.publish(Snapshot(epoch: Epoch(round) + 2))
                } else {
                    let seen = cell.epoch
                    if cell.load().epoch < seen { isBroken.set() }
                }
            }
        }
        #expect(!isBroken.isSet)
    }

    private final class Failure: Sendable {
        private let flag = Atomic<Bool>(false)
        var isSet: Bool { flag.load(ordering: .acquiring) }
        func set() { flag.store(true, ordering: .releasing) }
    }
}
