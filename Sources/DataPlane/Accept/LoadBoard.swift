internal import Net
internal import Synchronization

/// What the loops know of each other: how many client connections each has, the way to its mailbox, and how often each client comes.
///
/// EPOLLEXCLUSIVE wakes the loop that began to wait last, so an idle machine gives most connections to one loop. A loop that is well ahead of
/// the least loaded one therefore hands the accepted descriptor over (docs/decisions has the measurement).
final class LoadBoard: Sendable {
    private let counts: [ConnectionCount]
    let arrivals = ArrivalRates()
    /// Filled once, before the loops start.
    private let doors = Mutex<[Door]>([])

    struct Door: Sendable {
        let mailbox: Mailbox
        let worker: LoopBound<Worker>
    }

    init(workers: Int) { counts = (0..<workers).map { _ in ConnectionCount() } }

    var workers: Int { counts.count }

    func connect(_ doors: [Door]) { self.doors.withLock { $0 = doors } }

    func add(to worker: Int) { _ = counts[worker].take(cap: 0) }
    func remove(from worker: Int) { counts[worker].give() }

    /// Runs `job` on another loop, between two of its turns. False when that loop has ended.
    @discardableResult
    func post(to worker: Int, _ job: @escaping @Sendable (Worker) -> Void) -> Bool {
        guard let door = doors.withLock({ $0.indices.contains(worker) ? $0[worker] : nil }) else { return false }
        return door.mailbox.post { job(door.worker.value) }
    }

    /// The loop that should have the next connection accepted by `worker`: itself unless another has clearly fewer.
    func choose(acceptedBy worker: Int) -> Int {
        guard counts.count > 1 else { return worker }
        let own = counts[worker].current
        var best = worker
        var least = own
        for other in counts.indices where counts[other].current < least {
            best = other
            least = counts[other].current
        }
        return own - least > own / 16 ? best : worker
    }
}
