internal import Net
internal import Routing

/// A loop's exchanges that pauses hold, a line for each service, first come first served. Confined to its loop.
///
/// A line is settled between two events, never inside another exchange's choice: a snapshot that the loop adopts only asks for a turn. When the
/// service is not paused any more the line goes off in batches over the ramp, so that the pool does not meet a herd. Whoever comes during the
/// ramp passes: new requests come at their own pace, which the pool must bear anyway, and a line that they joined might never end.
final class HeldExchanges: EventHandler {
    /// Time between two batches.
    static let step = TimeSpan.milliseconds(20)

    private struct Entry {
        let exchange: Exchange
        let serial: UInt64
        /// False when the exchange has gone its way since: the client left, or the deadline came.
        var isValid: Bool { exchange.serial == serial && exchange.isHeld }
    }

    private struct Ramp {
        let batch: Int
        var next: Instant
    }

    private struct Line {
        let service: ServiceState
        var gate: PauseGate
        /// Void ones included; those before `first` are done.
        var entries: [Entry] = []
        var first = 0
        /// Those that are valid.
        var count = 0
        /// Set while it goes off.
        var ramp: Ramp?
    }

    // SAFETY: the worker owns this and ends after it.
    private unowned(unsafe) let worker: Worker
    private var lines: [Line] = []
    private var registration = Registration.none
    private var isAsking = false
    /// The loop is on its way out: nobody is held any more.
    private(set) var isClosed = false

    init(worker: Worker) { self.worker = worker }

    // MARK: - For exchanges

    /// - Parameter first: it had been first in line, and comes back.
    func put(_ exchange: Exchange, of service: Service, _ gate: PauseGate, first: Bool) {
        if lines.isEmpty, registration == .none { registration = worker.loop.registerTimer(self) }
        let entry = Entry(exchange: exchange, serial: exchange.serial)
        let index = index(of: service.state) ?? lines.count
        if index == lines.count { lines.append(Line(service: service.state, gate: gate)) }
        lines[index].count += 1
        if !first {
            lines[index].entries.append(entry)
        } else if lines[index].first > 0 {
            lines[index].first -= 1
            lines[index].entries[lines[index].first] = entry
        } else {
            lines[index].entries.insert(entry, at: 0)
        }
    }

    /// One of the line was let go or has gone.
    func left(of service: ServiceState) {
        guard let index = index(of: service) else { return }
        lines[index].count -= 1
        let length = lines[index].entries.count - lines[index].first
        // Many clients that leave cost one pass, not one each.
        guard length > 64, length > 2 * lines[index].count else { return }
        lines[index].entries.removeFirst(lines[index].first)
        lines[index].first = 0
        lines[index].entries.removeAll { !$0.isValid }
    }

    // MARK: - For the worker

    /// The loop has a new snapshot. May be called from the middle of an exchange's choice.
    func snapshotChanged() {
        if !lines.isEmpty || !worker.queues.isEmpty { ask() }
    }

    /// Everybody gets 503, now and from now on.
    func close() {
        isClosed = true
        for index in lines.indices {
            while let exchange = pop(index) { exchange.endHold() }
        }
        lines = []
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) { settle() }
    func deadlineReached() { settle() }

    private func settle() {
        isAsking = false
        let snapshot = worker.snapshot
        holdQueued(snapshot)
        for index in lines.indices {
            if let gate = snapshot.service(of: lines[index].service)?.pause { keep(index, gate) } else { startRamp(index) }
        }
        for index in lines.indices { letGo(index, under: snapshot) }
        lines.removeAll { $0.count == 0 }
        let next = lines.lazy.compactMap { $0.ramp?.next }.min()
        if registration != .none { worker.loop.setDeadline(registration, next ?? .never) }
    }

    private func ask() {
        if isAsking { return }
        isAsking = true
        if registration == .none { registration = worker.loop.registerTimer(self) }
        worker.loop.resumeNextTurn(registration)
    }

    /// What waits for a place of a service that is paused now waits for the end of the pause: `queue_timeout` is not meant for that.
    private func holdQueued(_ snapshot: Snapshot) {
        guard !worker.queues.isEmpty, snapshot.services.contains(where: { $0.pause != nil }) else { return }
        let moving = worker.queues.take { exchange in
            guard let state = exchange.service?.state else { return false }
            return snapshot.service(of: state)?.pause != nil
        }
        for exchange in moving {
            guard let state = exchange.service?.state, let gate = snapshot.service(of: state)?.pause else { continue }
            state.dequeue()
            exchange.hold(gate)
        }
    }

    private func keep(_ index: Int, _ gate: PauseGate) {
        lines[index].ramp = nil
        guard lines[index].gate != gate else { return }
        lines[index].gate = gate
        for entry in lines[index].entries[lines[index].first...] where entry.isValid { entry.exchange.holdAgain(gate) }
    }

    private func startRamp(_ index: Int) {
        guard lines[index].ramp == nil else { return }
        let steps = max(1, lines[index].service.resumeRamp.nanoseconds / Self.step.nanoseconds)
        let batch = (lines[index].count - 1) / Int(clamping: steps) + 1
        lines[index].ramp = Ramp(batch: batch, next: worker.loop.now)
    }

    private func letGo(_ index: Int, under snapshot: Snapshot) {
        guard let ramp = lines[index].ramp, ramp.next <= worker.loop.now else { return }
        var left = ramp.batch
        // A newer snapshot may have been adopted on the way: it may pause again.
        while left > 0, worker.snapshot === snapshot, let exchange = pop(index) {
            left -= 1
            exchange.resume()
        }
        // A late batch does not make the next one late, nor two come at once.
        lines[index].ramp?.next = max(ramp.next + Self.step, worker.loop.now + TimeSpan(nanoseconds: Self.step.nanoseconds / 2))
    }

    // MARK: - Private

    private func index(of service: ServiceState) -> Int? { lines.firstIndex { $0.service === service } }

    private func pop(_ index: Int) -> Exchange? {
        while lines[index].first < lines[index].entries.count {
            let entry = lines[index].entries[lines[index].first]
            lines[index].first += 1
            if entry.isValid { return entry.exchange }
        }
        return nil
    }
}

extension Snapshot {
    fileprivate func service(of state: ServiceState) -> Service? { services.first { $0.state === state } }
}
