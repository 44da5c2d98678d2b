import Glibc
internal import HTTP
internal import Net
internal import Routing

/// One client connection speaking HTTP/1.1. Confined to its loop.
///
/// Life: `idle` (between requests) → `readingHead` (some bytes of a head are here) → `exchanging` (its exchange rules) → `idle`, or →
/// `tunnel` after an upgrade, or → `flushing` (the last response is on its way out) → `lingering` (our side is shut, unread bytes of the client
/// are thrown away so that no reset overtakes the answer, RFC 9112 §9.6) → `closed`. Input is read only in `idle`, `readingHead`, by the
/// exchange for its body, in `tunnel` and `lingering`; else it waits in the kernel. `Requests.swift` has the reading.
final class DownstreamConnection: EventHandler, Shore {
    enum State: UInt8 { case idle, readingHead, exchanging, tunnel, flushing, lingering, closed }

    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) let worker: Worker
    let socket: ListeningSocket
    let client: SocketAddress
    var transport: Transport
    var state = State.idle
    var parser = RequestParser()
    var exchange: Exchange?
    /// `readRequests` is on the stack: whoever ends an exchange leaves the next request to it.
    var isReading = false
    /// What `input` holds cannot be used before more has come.
    var needsMoreInput = false
    /// A write has failed; the deadline that `judge` set ends the connection.
    private(set) var isBroken = false
    private var lingersAfterFlush = false
    private var registration = Registration.none

    init(worker: Worker, socket: ListeningSocket, client: SocketAddress, descriptor: Int32) {
        self.worker = worker
        self.socket = socket
        self.client = client
        transport = Transport(descriptor: descriptor)
    }

    /// Registers; false when the kernel has no room for it, and the connection is closed.
    func open() -> Bool {
        guard let registration = worker.loop.register(transport.descriptor, self) else {
            Syscall.close(transport.descriptor)
            state = .closed
            return false
        }
        self.registration = registration
        worker.counters.downstreamConnections += 1
        setDeadline(after: worker.settings.requestHeader)
        return true
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        transport.note(readiness)
        if readiness.isWritable, !transport.output.isEmpty, judge(transport.flush(pool: worker.buffers)) { drained() }
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

    func deadlineReached() {
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

    func setDeadline(after span: TimeSpan) { worker.loop.setDeadline(registration, worker.loop.now + span) }
    func setDeadline(_ deadline: Instant) { worker.loop.setDeadline(registration, deadline) }
    func clearDeadline() { worker.loop.setDeadline(registration, .never) }
    func resumeNextTurn() { worker.loop.resumeNextTurn(registration) }

    /// The client owes body bytes.
    func expectBody() { setDeadline(after: worker.settings.idle) }
    /// The client owes us its reading.
    func awaitWritable() { setDeadline(after: worker.settings.idle) }

    func sendCopy(_ bytes: UnsafeRawBufferPointer) { _ = judge(transport.send(bytes, pool: worker.buffers)) }

    /// True when all of it is with the kernel. A client that takes no bytes any more is gone: its exchange hears of it by the deadline, not
    /// in the middle of what it is doing.
    func judge(_ progress: WriteQueue.Progress) -> Bool {
        switch progress {
        case .drained: return true
        case .blocked: return false
        case .failed:
            transport.output.removeAll(pool: worker.buffers)
            worker.loop.setDeadline(registration, worker.loop.now)
            isBroken = true
            return true
        }
    }

    /// The response is complete (its rest may still be queued). What comes next is the next request, or the end.
    /// - Parameter linger: bytes of the client may be unread: a plain close would reset the connection under the response.
    func exchangeEnded(close closes: Bool, linger: Bool) {
        exchange = nil
        needsMoreInput = false
        if isBroken { return close() }
        if closes || worker.isDraining {
            state = .flushing
            lingersAfterFlush = linger || transport.input != nil
            transport.dropInput(worker)
            if transport.output.isEmpty { finishFlush() } else { setDeadline(after: worker.settings.idle) }
            return
        }
        state = .idle
        setDeadline(after: transport.output.isEmpty ? worker.settings.keepalive : worker.settings.idle)
        if !isReading, transport.input != nil || transport.isReadable { readRequests() }
    }

    /// Breaks off at once. The client sees a reset, so that what it has does not look whole.
    func cut() {
        Syscall.resetOnClose(transport.descriptor)
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

    func close() {
        guard state != .closed else { return }
        state = .closed
        exchange = nil
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        Syscall.close(transport.descriptor)
        worker.counters.downstreamConnections -= 1
        worker.board.remove(from: worker.index)
        socket.connections.give()
        worker.descriptorsFreed()
    }

    // MARK: - The end

    private func finishFlush() {
        guard lingersAfterFlush || transport.isReadable else { return close() }
        Syscall.shutdownWrite(transport.descriptor)
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
