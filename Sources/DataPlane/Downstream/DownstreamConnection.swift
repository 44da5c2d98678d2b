import Glibc
internal import HTTP
internal import Net
internal import Routing

/// One client connection speaking HTTP/1.1. Confined to its loop.
///
/// With TLS, or where HTTP/2 may come instead, `Opening` has had it before.
///
/// Life: `idle` (between requests) → `readingHead` (some bytes of a head are here) → `exchanging` (its exchange rules) → `idle`, or →
/// `tunnel` after an upgrade, or → `flushing` (the last response is on its way out) → `lingering` (our side is shut, unread bytes of the client
/// are thrown away so that no reset overtakes the answer, RFC 9112 §9.6) → `closed`. Input is read only in `idle`, `readingHead`, by the
/// exchange for its body, in `tunnel` and `lingering`; else it waits in the kernel. `Requests.swift` has the reading.
final class DownstreamConnection: DownstreamStream, ClientConnection {
    enum State: UInt8 { case idle, readingHead, exchanging, tunnel, flushing, lingering, closed }

    var state = State.idle
    var parser = RequestParser()
    /// `readRequests` is on the stack: whoever ends an exchange leaves the next request to it.
    var isReading = false
    private var lingersAfterFlush = false
    private let endOfAge: Instant

    /// - Parameter transport: with a session whose handshake is through, or with bytes that were read already, if `Opening` had it before.
    init(worker: Worker, client: Client, transport: Transport) {
        endOfAge = client.policy.endOfAge(bornAt: worker.loop.now)
        super.init(worker: worker, client: client, transport: transport, isHTTP2: false)
    }

    /// Registers; false when the kernel has no room for it, and the connection is closed.
    func open() -> Bool {
        guard let registration = worker.loop.register(transport.descriptor, self) else {
            transport.close()
            state = .closed
            return false
        }
        self.registration = registration
        worker.counters.downstreamConnections += 1
        setDeadline(after: worker.isDraining ? LoopSettings.idleGrace : worker.settings.requestHeader)
        return true
    }

    /// Goes on where `Opening` ended: the connection is registered and counted, and bytes may be there.
    func takeOver(_ registration: Registration) {
        self.registration = registration
        worker.loop.handOver(registration, to: self)
        setDeadline(after: worker.isDraining ? LoopSettings.idleGrace : worker.settings.requestHeader)
        readRequests()
    }

    // MARK: - Events

    override func handle(_ readiness: Readiness) {
        transport.note(readiness)
        if readiness.isWritable, !transport.isClear, judge(transport.flush(pool: worker.buffers)) { drained() }
        switch state {
        case .idle, .readingHead: if transport.isReadable || transport.input != nil { readRequests() }
        case .exchanging: handleExchanging(readiness)
        case .tunnel: exchange?.moveTunnel()
        case .lingering: discardInput()
        case .flushing, .closed: break
        }
    }

    private func handleExchanging(_ readiness: Readiness) {
        guard let exchange else { return }
        if readiness.isBroken { return exchange.clientGone() }
        if !exchange.requestBody.isFinished {
            // Held, it reads nothing: the end of input is told by this edge alone.
            if exchange.isHeld { if readiness.isPeerClosed { exchange.clientHalfClosed() } } else { exchange.relayRequest() }
        } else if readiness.isPeerClosed {
            exchange.clientHalfClosed()
        }
    }

    override func deadlineReached() {
        switch state {
        case .idle, .lingering, .flushing: close()
        case .readingHead: refuse(408)
        case .exchanging, .tunnel: exchange?.downstreamDeadlineReached()
        case .closed: break
        }
    }

    private func drained() {
        switch state {
        case .exchanging: exchange?.downstreamDrained()
        case .flushing: finishFlush()
        case .idle, .readingHead, .tunnel, .lingering, .closed: break
        }
    }

    // MARK: - For the exchange

    override func becomeTunnel() { state = .tunnel }

    override var isOfAge: Bool { worker.loop.now >= endOfAge }

    /// The response is complete (its rest may still be queued). What comes next is the next request, or the end.
    /// - Parameter linger: bytes of the client may be unread: a plain close would reset the connection under the response.
    override func exchangeEnded(close closes: Bool, linger: Bool) {
        exchange = nil
        needsMoreInput = false
        if isBroken { return close() }
        if closes || worker.isDraining {
            state = .flushing
            lingersAfterFlush = linger || transport.input != nil
            transport.dropInput(worker)
            if transport.isClear { finishFlush() } else { setDeadline(after: worker.settings.idle) }
            return
        }
        state = .idle
        setDeadline(after: transport.isClear ? worker.settings.keepalive : worker.settings.idle)
        if !isReading, transport.input != nil || transport.isReadable { readRequests() }
    }

    /// Breaks off at once. The client sees a reset, so that what it has does not look whole.
    override func cut() {
        transport.breakOff()
        close()
    }

    func drain() {
        switch state {
        case .idle:
            let grace = worker.loop.now + LoopSettings.idleGrace
            if grace < worker.loop.deadline(registration) { worker.loop.setDeadline(registration, grace) }
        case .readingHead, .exchanging, .tunnel, .flushing, .lingering, .closed: break
        }
    }

    override func close() {
        guard state != .closed else { return }
        state = .closed
        exchange = nil
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        transport.close()
        worker.connectionClosed(client.socket)
    }

    // MARK: - The end

    private func finishFlush() {
        // With TLS the client hears our end first, and may answer it (RFC 8446 §6.1).
        let waitsForAnswer = transport.kind == .tls && !transport.isPeerClosed
        guard lingersAfterFlush || transport.isReadable || waitsForAnswer else { return close() }
        guard transport.shutdownWrite() else { return setDeadline(after: LoopSettings.lingerTime) }
        state = .lingering
        setDeadline(after: LoopSettings.lingerTime)
        discardInput()
    }

    private func discardInput() {
        var reads = 0
        while state == .lingering, transport.isReadable {
            if reads == 8 { return resumeNextTurn() }
            reads += 1
            switch transport.read(into: worker.freshReadBlock(), limit: Transport.cautiousRelaySize) {
            case .moved: continue
            case .wouldBlock: return
            case .end, .failed: return close()
            }
        }
    }
}
