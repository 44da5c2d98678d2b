internal import HTTP
internal import Net
internal import Routing
internal import TLS

/// One connection to a target that speaks HTTP/1.1. Confined to its loop.
///
/// Life: `connecting` → (TLS: `handshaking`) → `busy` (belongs to one exchange) ⇄ `idle` (in `IdleConnections`) → `closed`; `busy` → `tunnel`
/// → `closed`. It closes when the exchange's response was not persistent or not taken whole, when its target retires, when the peer closes
/// while idle, at the keep-alive deadline.
final class UpstreamConnection: UpstreamStream {
    enum State: UInt8 { case connecting, handshaking, busy, idle, tunnel, closed }

    private(set) var state = State.connecting
    /// Until it is through.
    private var handshake: UpstreamHandshake?
    /// Links in `IdleConnections`.
    var nextIdle: UpstreamConnection?
    // SAFETY: the one before holds this one by `nextIdle`; `IdleConnections` clears the link when it takes either out.
    unowned(unsafe) var previousIdle: UpstreamConnection?

    private init(worker: Worker, target: Target, descriptor: Int32) {
        super.init(worker: worker, target: target, transport: Transport(descriptor: descriptor), isHTTP2: false)
    }

    /// nil when the target cannot be reached at all: refused at once, or no descriptor for it.
    static func dial(_ target: Target, worker: Worker, timeout: TimeSpan) -> UpstreamConnection? {
        guard let descriptor = UpstreamDial.start(target.identity.address, worker) else { return nil }
        let connection = UpstreamConnection(worker: worker, target: target, descriptor: descriptor.raw)
        guard let registration = worker.loop.register(descriptor.raw, connection) else {
            Syscall.close(descriptor.raw)
            return nil
        }
        connection.registration = registration
        // What introduces the client waits for the exchange to be attached: the loop tells of the connection in the next turn.
        guard descriptor.isConnected, target.wire.proxyHeader == .none else {
            worker.loop.setDeadline(registration, worker.loop.now + timeout)
            return connection
        }
        if target.wire.tls == nil {
            connection.become(.busy)
        } else {
            worker.loop.setDeadline(registration, worker.loop.now + timeout)
            connection.beginHandshake()
        }
        return connection.state == .closed ? nil : connection
    }

    // MARK: - Verbs

    override func attach(_ exchange: Exchange) {
        self.exchange = exchange
        if state == .idle { become(.busy) }
        limitDeadline()
    }

    private func become(_ state: State) {
        self.state = state
        isOpen = state == .busy
    }

    /// Back to the idle ones, or closed when it is not fit for reuse: a socket that the last read did not empty may hold bytes nobody asked for
    /// (or the read ended where the response did, which one more tells).
    override func detach(reusable: Bool) {
        exchange = nil
        if let ticket = transport.session?.takeTicket() { worker.tickets.put(ticket, for: target) }
        guard reusable, !transport.isPeerClosed, transport.isClear, transport.input == nil, target.keepsIdleConnections, !worker.isDraining,
            !transport.isReadable || !hasNews
        else {
            return close()
        }
        become(.idle)
        transport.relaySize = Transport.firstRelaySize
        worker.loop.setDeadline(registration, worker.loop.now + worker.settings.keepalive)
        worker.park(self)
    }

    override func close() {
        guard state != .closed else { return }
        if state == .idle { worker.idle.remove(self) }
        become(.closed)
        exchange = nil
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        transport.close()
    }

    override func becomeTunnel() { become(.tunnel) }

    // MARK: - Events

    override func handle(_ readiness: Readiness) {
        transport.note(readiness)
        switch state {
        case .busy: handleBusy(readiness)
        // Closed by the peer, or bytes that nobody asked for: never reused. Not so when the edge of bytes that were read in the turn before
        // comes late: the kernel then tells of nothing but room to write.
        case .idle: if readiness.tellsOfEnd || (readiness.tellsOfInput && hasNews) { close() }
        case .connecting: handleConnecting(readiness)
        case .handshaking: shakeHands()
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

    override func deadlineReached() {
        switch state {
        case .idle: close()
        case .connecting, .handshaking: exchange?.upstreamFailed(.connectTimeout)
        case .busy, .tunnel: exchange?.upstreamDeadlineReached()
        case .closed: break
        }
    }

    private func handleBusy(_ readiness: Readiness) {
        if readiness.isWritable, !transport.isClear, judge(transport.flush(pool: worker.buffers)) {
            exchange?.upstreamDrained()
        }
        if transport.isReadable, state == .busy { exchange?.relayResponse() }
    }

    private func handleConnecting(_ readiness: Readiness) {
        if readiness.isBroken {
            _ = Syscall.pendingError(transport.descriptor)
            exchange?.upstreamFailed(.connect)
        } else if readiness.isWritable {
            guard target.wire.proxyHeader == .none || sendProxyHeader() else { return exchange?.upstreamFailed(.connect) ?? close() }
            if target.wire.tls == nil { begin() } else { beginHandshake() }
        }
    }

    private func begin() {
        become(.busy)
        exchange?.connected()
        if transport.isReadable, state == .busy { exchange?.relayResponse() }
    }

    // MARK: - TLS

    private func beginHandshake() {
        guard let handshake = UpstreamHandshake(target, transport, worker) else { return handshakeFailed() }
        self.handshake = handshake
        become(.handshaking)
        shakeHands()
    }

    private func shakeHands() {
        switch handshake?.step(transport, worker) {
        case .complete(let sealed):
            transport = sealed
            handshake = nil
            begin()
        case .again: resumeNextTurn()
        case .wait, nil: break
        case .failed: handshakeFailed()
        }
    }

    /// Before anybody is attached, the failure is told by the state.
    private func handshakeFailed() {
        if let exchange { exchange.upstreamFailed(.connect) } else { close() }
    }
}
