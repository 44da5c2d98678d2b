import Glibc
internal import HTTP
internal import Net
internal import Routing

/// One connection to a target. Confined to its loop.
///
/// Life: `connecting` → `busy` (belongs to one exchange) ⇄ `idle` (in `IdleConnections`) → `closed`; `busy` → `tunnel` → `closed`. It closes
/// when the exchange's response was not persistent or not taken whole, when its target retires, when the peer closes while idle, at the
/// keep-alive deadline.
final class UpstreamConnection: EventHandler, Shore {
    enum State: UInt8 { case connecting, busy, idle, tunnel, closed }

    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) let worker: Worker
    let target: Target
    var transport: Transport
    private(set) var state: State
    private var registration = Registration.none
    /// The exchange that it serves.
    private(set) var exchange: Exchange?
    var parser = ResponseParser()
    /// The peer does not take bytes any more; it may still have sent some.
    private(set) var hasWriteFailed = false
    /// Links in `IdleConnections`.
    var nextIdle: UpstreamConnection?
    // SAFETY: the one before holds this one by `nextIdle`; `IdleConnections` clears the link when it takes either out.
    unowned(unsafe) var previousIdle: UpstreamConnection?

    private init(worker: Worker, target: Target, descriptor: Int32, isConnected: Bool) {
        self.worker = worker
        self.target = target
        transport = Transport(descriptor: descriptor)
        state = isConnected ? .busy : .connecting
    }

    var isConnected: Bool { state == .busy }
    /// Nothing is held back, and the peer still reads.
    var acceptsBytes: Bool { state == .busy && transport.output.isEmpty && !hasWriteFailed }

    /// nil when the target cannot be reached at all: refused at once, or no descriptor for it.
    static func dial(_ target: Target, worker: Worker, timeout: TimeSpan) -> UpstreamConnection? {
        guard let descriptor = dial(target.identity.address, worker) else { return nil }
        let isConnected = descriptor.isConnected
        let connection = UpstreamConnection(worker: worker, target: target, descriptor: descriptor.raw, isConnected: isConnected)
        guard let registration = worker.loop.register(descriptor.raw, connection) else {
            Syscall.close(descriptor.raw)
            return nil
        }
        connection.registration = registration
        if !isConnected { worker.loop.setDeadline(registration, worker.loop.now + timeout) }
        return connection
    }

    /// Out of descriptors, an idle connection is worth less than a request: the oldest one makes room, once.
    private static func dial(_ address: SocketAddress, _ worker: Worker) -> (raw: Int32, isConnected: Bool)? {
        for isLast in [false, true] {
            switch Socket.connect(to: address) {
            case .started(let descriptor, let isConnected): return (descriptor.release(), isConnected)
            case .failed(let code):
                guard !isLast, code == EMFILE || code == ENFILE, worker.closeOldestIdle() else { return nil }
            }
        }
        return nil
    }

    // MARK: - Verbs

    func attach(_ exchange: Exchange) {
        self.exchange = exchange
        if state == .idle { state = .busy }
        limitDeadline()
    }

    /// Back to the idle ones, or closed when it is not fit for reuse: a socket that the last read did not empty may hold bytes nobody asked for.
    func detach(reusable: Bool) {
        exchange = nil
        guard reusable, !transport.isPeerClosed, !transport.isReadable, transport.output.isEmpty, transport.input == nil,
            target.keepsIdleConnections,
            !worker.isDraining
        else {
            return close()
        }
        state = .idle
        transport.relaySize = Transport.firstRelaySize
        worker.loop.setDeadline(registration, worker.loop.now + worker.settings.keepalive)
        worker.park(self)
    }

    func close() {
        guard state != .closed else { return }
        if state == .idle { worker.idle.remove(self) }
        state = .closed
        exchange = nil
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        Syscall.close(transport.descriptor)
    }

    func becomeTunnel() { state = .tunnel }

    func setDeadline(after span: TimeSpan) {
        worker.loop.setDeadline(registration, min(worker.loop.now + span, exchange?.leaseDeadline ?? .never))
    }

    /// A drain deadline was set, or an exchange with one was attached.
    func limitDeadline() {
        guard let deadline = exchange?.leaseDeadline, deadline < worker.loop.deadline(registration) else { return }
        worker.loop.setDeadline(registration, deadline)
    }

    /// The request's body flows: whatever deadline is left from connecting or idling is past, and the client's watches both sides.
    func awaitBody() { worker.loop.setDeadline(registration, exchange?.leaseDeadline ?? .never) }

    func awaitResponse(_ span: TimeSpan) { setDeadline(after: span) }

    func resumeNextTurn() { worker.loop.resumeNextTurn(registration) }

    // MARK: - Sending

    func sendMore(_ bytes: UnsafeRawBufferPointer) { _ = judge(transport.send(bytes, pool: worker.buffers)) }

    /// True when all of it is with the kernel. A failed write is left to the read side: the peer may have answered before it closed
    /// (an early 413, say), and that answer is the client's.
    func judge(_ progress: WriteQueue.Progress) -> Bool {
        switch progress {
        case .drained: return true
        case .blocked: return false
        case .failed:
            transport.output.removeAll(pool: worker.buffers)
            hasWriteFailed = true
            transport.isPeerClosed = true
            transport.isReadable = true
            resumeNextTurn()
            return false
        }
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        transport.note(readiness)
        switch state {
        case .busy: handleBusy(readiness)
        // Closed by the peer, or bytes that nobody asked for: never reused. Not so when the edge of bytes that were read in the turn before
        // comes late: the kernel then tells of nothing but room to write.
        case .idle: if readiness.tellsOfEnd || (readiness.tellsOfInput && hasNews) { close() }
        case .connecting: handleConnecting(readiness)
        case .tunnel: exchange?.moveTunnel()
        case .closed: break
        }
    }

    /// Closed by the peer, or bytes that nobody asked for: such a connection is never reused. The event itself proves nothing: it may tell of
    /// what was read before the connection became idle (bytes that came between its wake-up and the read, or in the same turn).
    private var hasNews: Bool {
        if case .wouldBlock = transport.read(into: worker.freshReadBlock(), limit: 1) { return transport.isPeerClosed }
        return true
    }

    func deadlineReached() {
        switch state {
        case .idle: close()
        case .connecting: exchange?.upstreamFailed(.connectTimeout)
        case .busy, .tunnel: exchange?.upstreamDeadlineReached()
        case .closed: break
        }
    }

    private func handleBusy(_ readiness: Readiness) {
        if readiness.isWritable, !transport.output.isEmpty, judge(transport.flush(pool: worker.buffers)) {
            exchange?.upstreamDrained()
        }
        if transport.isReadable, state == .busy { exchange?.relayResponse() }
    }

    private func handleConnecting(_ readiness: Readiness) {
        if readiness.isBroken {
            _ = Syscall.pendingError(transport.descriptor)
            exchange?.upstreamFailed(.connect)
        } else if readiness.isWritable {
            state = .busy
            exchange?.connected()
            if transport.isReadable, state == .busy { exchange?.relayResponse() }
        }
    }
}
