internal import HTTP
internal import Net
internal import Routing

/// The target's side of one exchange: an HTTP/1.1 connection (`UpstreamConnection`), or one stream of an HTTP/2 connection. Confined to its
/// loop.
///
/// The exchange hands over heads and reads answers in the words of HTTP/1.1; a side that speaks HTTP/2 translates (`isHTTP2`): what came is in
/// the transport's `input`, a head first. Methods that do nothing here are for the other protocol.
class UpstreamStream: EventHandler, Shore {
    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) final let worker: Worker
    final let target: Target
    final let isHTTP2: Bool
    // Unchecked: the checks at run time show per request. A transport calls the pool, the kernel and OpenSSL, never a stream or an exchange.
    @exclusivity(unchecked) final var transport: Transport
    @exclusivity(unchecked) final var registration = Registration.none
    /// The exchange that it serves.
    @exclusivity(unchecked) final var exchange: Exchange?
    @exclusivity(unchecked) final var parser = ResponseParser()
    /// A request may be sent.
    @exclusivity(unchecked) final var isOpen = false
    /// The peer does not take bytes any more; it may still have sent some.
    @exclusivity(unchecked) final var hasWriteFailed = false

    init(worker: Worker, target: Target, transport: Transport, isHTTP2: Bool) {
        self.worker = worker
        self.target = target
        self.transport = transport
        self.isHTTP2 = isHTTP2
    }

    /// Nothing is held back, and the peer still reads.
    final var acceptsBytes: Bool { isOpen && transport.isClear && !hasWriteFailed }

    /// A new way to `target`; open at once, or later (`Exchange.connected`). nil when it cannot be reached at all.
    /// - Parameters:
    ///   - timeout: for connection and handshake together.
    ///   - fresh: not over a connection that has served before: another such has just died.
    static func open(_ target: Target, worker: Worker, timeout: TimeSpan, fresh: Bool) -> UpstreamStream? {
        if target.wire.isHTTP2 { return worker.h2Upstreams.stream(to: target, worker: worker, timeout: timeout, fresh: fresh) }
        return UpstreamConnection.dial(target, worker: worker, timeout: timeout)
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {}
    func deadlineReached() {}

    // MARK: - Deadlines

    final func setDeadline(after span: TimeSpan) {
        worker.loop.setDeadline(registration, min(worker.loop.now + span, exchange?.leaseDeadline ?? .never))
    }

    /// A drain deadline was set, or an exchange with one was attached.
    final func limitDeadline() {
        guard let deadline = exchange?.leaseDeadline, deadline < worker.loop.deadline(registration) else { return }
        worker.loop.setDeadline(registration, deadline)
    }

    /// The request's body flows: whatever deadline is left from connecting or idling is past, and the client's watches both sides.
    final func awaitBody() { worker.loop.setDeadline(registration, exchange?.leaseDeadline ?? .never) }

    final func awaitResponse(_ span: TimeSpan) { setDeadline(after: span) }

    final func resumeNextTurn() { worker.loop.resumeNextTurn(registration) }

    // MARK: - Sending

    final func sendMore(_ bytes: UnsafeRawBufferPointer) { _ = judge(transport.send(bytes, pool: worker.buffers)) }

    /// HTTP/2: opens the stream with a head of HTTP/1.1. False when the connection takes no request any more.
    /// - Parameter ends: no body follows.
    func request(_ head: UnsafeRawBufferPointer, ends: Bool) -> Bool { false }

    /// HTTP/2: lines of HTTP/1.1 that `endBody` sends, unfiltered.
    func keepTrailers(_ lines: UnsafeRawBufferPointer) {}

    /// HTTP/2: the body has been handed over whole.
    func endBody() {}

    /// HTTP/2: something lies in `transport.output`.
    func outputWaits() {}

    /// No more bytes from our side. False when that has to wait until what is queued has left.
    func shutdownWrite() -> Bool { transport.shutdownWrite() }

    /// True when all of it is with the kernel. A failed write is left to the read side: the peer may have answered before it closed
    /// (an early 413, say), and that answer is the client's.
    final func judge(_ progress: WriteQueue.Progress) -> Bool {
        switch progress {
        case .drained: return true
        case .blocked:
            outputWaits()
            return false
        case .failed:
            transport.output.removeAll(pool: worker.buffers)
            hasWriteFailed = true
            transport.isPeerClosed = true
            transport.isReadable = true
            resumeNextTurn()
            return false
        }
    }

    // MARK: - Receiving

    /// HTTP/2: the exchange has used so many bytes of `input`: the target may send as many more.
    func consumed(_ count: Int) {}

    /// HTTP/2: the trailer section that came behind the body, as lines of HTTP/1.1.
    var trailers: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    // MARK: - Ends

    func attach(_ exchange: Exchange) { self.exchange = exchange }

    func becomeTunnel() {}

    /// The response is whole, or nobody wants its rest.
    /// - Parameter reusable: another exchange may follow.
    func detach(reusable: Bool) {}

    /// The exchange has given it up.
    func close() {}
}
