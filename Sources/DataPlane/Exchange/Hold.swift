internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// What a pause does to one exchange. Held, it claims nothing and reads nothing: the body waits in the kernel, `Expect: 100-continue` stays
/// unanswered, and only the client's going, the deadline, or the end of the pause moves it on.
extension Exchange {
    var isHeld: Bool {
        if case .held = machine.state { true } else { false }
    }

    /// The gate is shut. A further attempt gives its former target back, and keeps its place in the service.
    func hold(_ gate: PauseGate) {
        guard let service, let downstream else { return }
        if let former = lease.take() { former.releaseTarget() }
        target = nil
        pool = nil
        drainDeadline = .never
        tunnelDeadline = .never
        let bytes = head.length + (downstream.transport.input?.count ?? 0)
        guard !worker.held.isClosed, service.state.hold(bytes: bytes, within: gate) else {
            return answer(503, endedBy: .proxy, phase: .held)
        }
        heldBytes = bytes
        heldSince = worker.loop.now
        // Held again before it could choose: first in line as it was, and its time runs on.
        let isReturning = holdDeadline != .never
        if !isReturning { holdDeadline = heldSince + gate.maxWait }
        machine.hold()
        worker.held.put(self, of: service, gate, first: isReturning)
        setHoldDeadline()
    }

    /// The pause's limits have changed.
    func holdAgain(_ gate: PauseGate) {
        holdDeadline = heldSince + gate.maxWait
        setHoldDeadline()
    }

    /// A client that shuts its side behind the request gets no longer here than elsewhere.
    private func setHoldDeadline() {
        guard let downstream else { return }
        let isPeerClosed = downstream.transport.isPeerClosed
        downstream.setDeadline(isPeerClosed ? min(holdDeadline, worker.loop.now + LoopSettings.halfCloseGrace) : holdDeadline)
    }

    /// The pause is over and it is this exchange's turn. Routes may have changed since: it begins as if it had come now.
    func resume() {
        leaveHold()
        downstream?.clearDeadline()
        if holdsPlace {
            if times.admitted != .never { times.admitted = times.admitted + (worker.loop.now - heldSince) }
            attempt(fieldsAreFresh: false)
        } else if parseAgain() {
            enter()
        } else {
            answer(431)
        }
    }

    func holdTimedOut() {
        leaveHold()
        answer(503, endedBy: .proxy, phase: .held)
    }

    /// The loop is ending, or the process is told to be quick about it.
    func endHold() {
        leaveHold()
        answer(503, endedBy: .operator, phase: .held)
    }

    /// Not counted among the held any more; its entry in the line is void.
    func leaveHold() {
        guard isHeld, let service else { return }
        service.state.letGo(bytes: heldBytes)
        worker.held.left(of: service.state)
        machine.choose()
    }
}
