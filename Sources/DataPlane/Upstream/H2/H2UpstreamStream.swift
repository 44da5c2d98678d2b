internal import HTTP
internal import Net
internal import Routing
internal import TLS
internal import Telemetry

/// One stream of an HTTP/2 connection to a target: one exchange's way there. Confined to its loop; used again by its connection.
///
/// Life: `free` → `waiting` (for the connection, or as a WebSocket for the peer's SETTINGS) → `open` (the session has it) → `over` (the session
/// has forgotten it; the exchange may still be reading) → `free`. The exchange leaves by `detach` or `close`: what is not over then is reset,
/// and free when the session says so.
final class H2UpstreamStream: UpstreamStream {
    enum Phase: UInt8 { case free, waiting, open, over }

    let connection: H2UpstreamConnection
    let index: UInt32
    // Unchecked: see `H2UpstreamConnection.streams`.
    @exclusivity(unchecked) var phase = Phase.free
    /// Of the session, while `open`.
    @exclusivity(unchecked) var handle: H2Stream?
    /// Why it has ended, as far as the exchange does not know it yet.
    @exclusivity(unchecked) var failure: ExchangeMachine.UpstreamFailure?
    @exclusivity(unchecked) var isTouched = false
    /// The final response has begun.
    @exclusivity(unchecked) var hasResponse = false
    /// All of the request is with the session.
    @exclusivity(unchecked) private var hasSaidAll = false
    @exclusivity(unchecked) var isTunnel = false
    /// The request asks for a WebSocket, and the answer to its key.
    @exclusivity(unchecked) var asksForWebSocket = false
    @exclusivity(unchecked) var webSocketAccept: [UInt8] = []
    @exclusivity(unchecked) var trailerBlock: Block?

    init(connection: H2UpstreamConnection, index: UInt32) {
        self.connection = connection
        self.index = index
        super.init(worker: connection.worker, target: connection.target, transport: .stream, isHTTP2: true)
        registration = worker.loop.registerTimer(self)
    }

    // MARK: - Beginning

    override func attach(_ exchange: Exchange) {
        phase = .waiting
        self.exchange = exchange
        exchange.isReused = connection.hasServed
        isOpen = mayBegin
        limitDeadline()
    }

    /// Only the peer's SETTINGS say whether it takes a WebSocket.
    private var mayBegin: Bool {
        connection.state == .ready && (connection.knowsSettings || exchange?.head.wantsUpgrade == false)
    }

    /// The connection can be used from now on, or its peer's SETTINGS have come.
    func connectionReady() {
        guard phase == .waiting, !isOpen, mayBegin else { return }
        isOpen = true
        exchange?.connected()
    }

    override func request(_ head: UnsafeRawBufferPointer, ends: Bool) -> Bool {
        guard phase == .waiting, connection.state == .ready else { return false }
        if exchange?.head.wantsUpgrade == true { lookForWebSocket(head) }
        let fields = worker.h2.fields
        guard
            H2Writing.request(
                head, scheme: target.wire.tls == nil ? "http" : "https", asWebSocket: asksForWebSocket, into: fields)
        else { return false }
        guard let handle = connection.session.request(fields, ends: ends && !asksForWebSocket, user: index) else { return false }
        self.handle = handle
        phase = .open
        hasSaidAll = ends && !asksForWebSocket
        connection.opened()
        return true
    }

    /// RFC 8441 §5: over HTTP/2 the key and its answer do not travel; a client of HTTP/1.1 wants the answer all the same.
    private func lookForWebSocket(_ head: UnsafeRawBufferPointer) {
        var parser = RequestParser()
        guard case .head(let parsed) = parser.parse(head, into: worker.requestFields, limits: worker.h2Upstreams.headLimits(worker)) else {
            return
        }
        asksForWebSocket =
            parsed.wantsUpgrade && connection.session.peerTakesWebSocket && WebSocketRequest.isOne(worker.requestFields, of: head)
        guard asksForWebSocket else { return }
        let key = WebSocketRequest.key(worker.requestFields, of: head)
        if !key.isEmpty { webSocketAccept = WebSocketAccept.text(key) }
    }

    // MARK: - Sending

    override func outputWaits() {
        guard let handle else { return }
        connection.session.offer(handle, transport.output.count - connection.session.unsent(handle))
        connection.gather()
    }

    override func keepTrailers(_ lines: UnsafeRawBufferPointer) {
        H2Writing.trailers(lines, ByteRange(start: 0, end: UInt32(clamping: lines.count)), into: worker.h2Upstreams.trailers)
    }

    override func endBody() {
        guard let handle else { return }
        connection.session.finish(handle, trailers: worker.h2Upstreams.trailers)
        worker.h2Upstreams.trailers.removeAll()
        hasSaidAll = true
        connection.gather()
    }

    override func shutdownWrite() -> Bool {
        guard phase == .open, !hasSaidAll else { return true }
        guard transport.output.isEmpty else { return false }
        endBody()
        return true
    }

    /// The frame's header is written: so many bytes of the body go behind it.
    func give(_ count: Int, to block: Block) {
        var left = count
        while left > 0, !transport.output.isEmpty {
            let bytes = transport.output.first
            let part = UnsafeRawBufferPointer(rebasing: bytes[..<min(left, bytes.count)])
            block.append(part)
            left -= part.count
            transport.output.drop(part.count, pool: worker.buffers)
        }
        // The exchange has gone, its reset is on the way: the frame must be as long as it says all the same.
        for _ in 0..<left { withUnsafeBytes(of: UInt8(0)) { block.append($0) } }
        if transport.output.isEmpty, exchange != nil { connection.drained.append(index) }
    }

    func tellDrained() {
        guard let exchange, transport.output.isEmpty else { return }
        if isTunnel { exchange.moveTunnel() } else { exchange.upstreamDrained() }
    }

    // MARK: - What came

    override var trailers: UnsafeRawBufferPointer { trailerBlock?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    override func consumed(_ count: Int) {
        guard let handle else { return }
        connection.session.consume(handle, count)
        if connection.session.wantsToSend { connection.gather() }
    }

    // MARK: - Events

    override func handle(_ readiness: Readiness) {
        if transport.isReadable { tell() }
    }

    override func deadlineReached() {
        switch phase {
        case .waiting: exchange?.upstreamFailed(worker.loop.now >= (exchange?.leaseDeadline ?? .never) ? .drainDeadline : .connectTimeout)
        case .open, .over: exchange?.upstreamDeadlineReached()
        case .free: break
        }
    }

    // MARK: - Ends

    override func becomeTunnel() { isTunnel = true }

    override func detach(reusable: Bool) { close() }

    override func close() {
        guard exchange != nil else { return }
        exchange = nil
        worker.loop.setDeadline(registration, .never)
        switch phase {
        case .open:
            let isDone = transport.hasEnded && hasSaidAll && transport.output.isEmpty
            dropBuffers()
            guard !isDone else { return }
            if let handle { connection.session.reset(handle, .cancel) }
            connection.gather()
        case .waiting, .over, .free: release()
        }
    }

    /// Its connection has closed and will use it no more.
    func retire() {
        if phase == .free { worker.loop.unregister(registration) }
    }

    // MARK: - Private

    func touch() {
        guard !isTouched else { return }
        isTouched = true
        connection.touched.append(index)
    }

    private func dropBuffers() {
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        if let trailerBlock { worker.buffers.give(trailerBlock) }
        trailerBlock = nil
    }

    /// For the next exchange.
    func release() {
        let wasWaiting = phase == .waiting
        dropBuffers()
        phase = .free
        handle = nil
        transport.hasEnded = false
        transport.isReadable = false
        transport.isPeerClosed = false
        transport.relaySize = Transport.firstRelaySize
        isOpen = false
        hasWriteFailed = false
        failure = nil
        hasResponse = false
        hasSaidAll = false
        isTunnel = false
        asksForWebSocket = false
        if !webSocketAccept.isEmpty { webSocketAccept = [] }
        parser.reset()
        connection.give(self, wasWaiting: wasWaiting)
    }
}
