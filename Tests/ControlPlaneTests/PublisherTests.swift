@testable internal import ControlPlane
internal import Routing
internal import Testing

@Suite struct PublisherTests {
    private func make(_ loops: Int, deadline: Duration = .seconds(5)) -> (Publisher, [FakeWorker], SnapshotCell) {
        let cell = SnapshotCell(Snapshot(epoch: 1))
        let workers = (0..<loops).map { FakeWorker(index: $0, cell: cell) }
        return (Publisher(cell: cell, workers: workers, deadline: deadline), workers, cell)
    }

    @Test("a publish returns when every loop has acknowledged the new epoch")
    func allAcknowledge() {
        let (publisher, workers, cell) = make(4)
        let publication = publisher.publish(Snapshot(epoch: 2))
        #expect(publication.silent.isEmpty)
        #expect(publication.replaced.epoch == 1)
        #expect(cell.epoch == 2)
        for worker in workers { #expect(worker.events == [.adopted(2, retired: [])]) }
    }

    @Test("a loop that keeps silent is named, and the publish does not wait for ever")
    func silence() {
        let (publisher, workers, cell) = make(3, deadline: .milliseconds(50))
        workers[1].stick(true)
        let began = ContinuousClock.now
        #expect(publisher.publish(Snapshot(epoch: 2)).silent == [1])
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(cell.epoch == 2, "what was published stays published")
    }

    @Test(
        "a loop between two turns counts as having acknowledged a publish, and is told all the same; but it does not count as having adopted"
    )
    func asleep() {
        let (publisher, workers, _) = make(2, deadline: .milliseconds(50))
        workers[1].stick(true)
        workers[1].sleep(true)
        #expect(publisher.publish(Snapshot(epoch: 2)).silent.isEmpty)
        #expect(workers[1].events == [.adopted(2, retired: [])])
        #expect(publisher.confirm(2, within: .milliseconds(50)) == [1])
    }

    @Test("an acknowledgement of an older epoch does not count")
    func oldEpoch() {
        let (publisher, _, _) = make(1, deadline: .milliseconds(50))
        #expect(publisher.confirm(2, within: .milliseconds(50)) == [0])
        #expect(publisher.confirm(1, within: .seconds(5)).isEmpty)
    }

    @Test("answers from many threads are all counted, each index once")
    func answers() {
        let answers = Answers<Int>(count: 3)
        answers.put(1, at: 0)
        answers.put(9, at: 0)
        answers.put(9, at: 7)
        answers.put(9, at: -1)
        #expect(answers.wait(for: .milliseconds(10)) == [1, nil, nil])
        answers.put(2, at: 1)
        answers.put(3, at: 2)
        #expect(answers.wait(for: .seconds(5)) == [1, 2, 3])
        #expect(Answers<Int>(count: 0).wait(for: .seconds(5)).isEmpty)
    }
}
