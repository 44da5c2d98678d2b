internal import ControlPlane
internal import DataPlane
internal import Routing
internal import Synchronization
internal import TLS

/// A loop that answers at once, or not at all, and remembers what it was told.
final class FakeWorker: WorkerFace {
    enum Event: Equatable {
        case drained, stopped
        /// With whether the targets watched were retired at that moment.
        case adopted(Epoch, retired: [Bool])
        case accepting(Int), stoppedAccepting(Int)
        case ended(String, exchanges: Duration, tunnels: Duration)
        case endedTunnels(String, within: Duration)
    }

    private struct State {
        var events: [Event] = []
        var isStuck = false
        var isBetweenTurns = false
        var watched: [Target] = []
        var report = WorkerReport()
        var ticketKeys: [TicketKeys] = []
        var onDrain: (@Sendable (inout WorkerReport) -> Void)?
    }

    let index: Int
    private let cell: SnapshotCell
    private let state = Mutex(State())

    init(index: Int, cell: SnapshotCell) {
        self.index = index
        self.cell = cell
    }

    var events: [Event] { state.withLock { $0.events } }
    func stick(_ isStuck: Bool) { state.withLock { $0.isStuck = isStuck } }
    func watch(_ targets: [Target]) { state.withLock { $0.watched = targets } }
    func hold(_ report: WorkerReport, onDrain: (@Sendable (inout WorkerReport) -> Void)? = nil) {
        state.withLock {
            $0.report = report
            $0.onDrain = onDrain
        }
    }

    // MARK: - WorkerFace

    func adoptNewest(_ acknowledge: @escaping @Sendable (_ worker: Int, _ epoch: Epoch) -> Void) {
        let epoch = cell.epoch
        let answers = state.withLock { state -> Bool in
            state.events.append(.adopted(epoch, retired: state.watched.map(\.isRetired)))
            return !state.isStuck
        }
        if answers { acknowledge(index, epoch) }
    }

    func accept(on socket: ListeningSocket) { note(.accepting(socket.id)) }

    func stopAccepting(on id: Int, done: @escaping @Sendable (_ worker: Int) -> Void) {
        if note(.stoppedAccepting(id)) { done(index) }
    }

    func drainConnections() {
        note(.drained)
        state.withLock { $0.onDrain?(&$0.report) }
    }

    func setTicketKeys(_ keys: TicketKeys) { state.withLock { $0.ticketKeys.append(keys) } }
    var ticketKeys: [TicketKeys] { state.withLock { $0.ticketKeys } }
    func endHolds() {}
    func keepLeases(on target: Target) {}
    func holders(of targets: [Target], limit: Int, _ reply: @escaping @Sendable ([Holder]) -> Void) { reply([]) }
    func stall(for span: Duration, began: @escaping @Sendable () -> Void) {}
    var isBetweenTurns: Bool { state.withLock { $0.isBetweenTurns } }
    func sleep(_ isAsleep: Bool) { state.withLock { $0.isBetweenTurns = isAsleep } }

    func endLeases(on target: Target, exchanges: Duration, tunnels: Duration) {
        note(.ended(target.identity.text, exchanges: exchanges, tunnels: tunnels))
    }

    func endTunnels(on target: Target, within limit: Duration) { note(.endedTunnels(target.identity.text, within: limit)) }

    func report(_ reply: @escaping @Sendable (WorkerReport) -> Void) {
        let report = state.withLock { $0.isStuck ? nil : $0.report }
        if let report { reply(report) }
    }

    func stop(done: @escaping @Sendable (_ worker: Int) -> Void) { if note(.stopped) { done(index) } }

    /// True when the loop answers.
    @discardableResult private func note(_ event: Event) -> Bool {
        state.withLock { state in
            state.events.append(event)
            return !state.isStuck
        }
    }
}
