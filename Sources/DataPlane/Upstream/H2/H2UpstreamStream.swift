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
    @exclusivity(unchecked) private(set) var phase = Phase.free
    /// Of the session, while `open`.
    @exclusivity(unchecked) private(set) var handle: H2Stream?
    /// Why it has ended, as far as the exchange does not know it yet.
    @exclusivity(unchecked) private var failure: ExchangeMachine.UpstreamFailure?
    @exclusivity(unchecked) private var isTouched = false
    /// The final response has begun.
    @exclusivity(unchecked) private var hasResponse = false
    /// All of the request is with the session.
    @exclusivity(unchecked) private var hasSaidAll = false
    @exclusivity(unchecked) private var isTunnel = false
    /// The request asks for a WebSocket, and the answer to its key.
    @exclusivity(unchecked) private var asksForWebSocket = false
    @exclusivity(unchecked) private var webSocketAccept: [UInt8] = []
    @exclusivity(unchecked) private var trailerBlock: Block?

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

    func informed(_ head: H2Head) { takeHead(head) }

    func responded(_ head: H2Head) {
        connection.hasServed = true
        hasResponse = true
        takeHead(head)
    }

    private func takeHead(_ head: H2Head) {
        guard let exchange else { return }
        // The longest lines of ours: a status line, an upgrade's fields, a length.
        let block = transport.input(with: head.lines.count + 256, worker)
        let written = webSocketAccept.withUnsafeBytes { accept in
            H1Writing.response(
                head, of: connection.session.heads, to: exchange.head.method, upgrades: asksForWebSocket, webSocketAccept: accept,
                into: block.space)
        }
        guard !head.isOverfull, let written else {
            failure = .malformed
            return touch()
        }
        block.filled(written)
        transport.isReadable = true
        touch()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard exchange != nil else {
            if let handle { connection.session.consume(handle, bytes.count) }
            return
        }
        transport.take(bytes, worker)
        touch()
    }

    func trailed(_ head: H2Head) {
        guard exchange != nil, trailerBlock == nil else { return }
        let block = worker.buffers.take(head.lines.count)
        guard let count = H1Writing.trailers(head, of: connection.session.heads, into: block.space) else {
            return worker.buffers.give(block)
        }
        block.filled(count)
        trailerBlock = block
    }

    func ended() {
        transport.end()
        touch()
    }

    /// - Parameter byPeer: false = for our reset.
    func closed(_ code: H2Code, byPeer: Bool) {
        phase = .over
        handle = nil
        isOpen = false
        guard let exchange else { return release() }
        // RFC 9113 §8.1: the response is whole, the rest of the request is not wanted.
        if !transport.hasEnded { fail(Self.failure(code, afterHead: hasResponse), exchange, isRace: false) }
        hasWriteFailed = true
        transport.output.removeAll(pool: worker.buffers)
        touch()
    }

    /// - Parameter reason: nil = it was ended by the peer, or broke.
    func connectionLost(_ reason: ExchangeMachine.UpstreamFailure?) {
        let former = phase
        guard former == .waiting || former == .open else { return }
        phase = .over
        handle = nil
        isOpen = false
        hasWriteFailed = true
        guard let exchange else { return release() }
        transport.output.removeAll(pool: worker.buffers)
        switch former {
        case .waiting: fail(reason ?? .connect, exchange, isRace: true)
        case .open where !transport.hasEnded: fail(hasResponse ? .cutResponse : .closedBeforeResponse, exchange, isRace: true)
        case .open, .over, .free: break
        }
        tell()
    }

    /// What came is the exchange's to hear.
    func tell() {
        isTouched = false
        guard let exchange else { return }
        if let failure {
            self.failure = nil
            if isTunnel { return breakTunnel(exchange) }
            return exchange.upstreamFailed(failure)
        }
        if isTunnel { exchange.moveTunnel() } else { exchange.relayResponse() }
    }

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

    private func touch() {
        guard !isTouched else { return }
        isTouched = true
        connection.touched.append(index)
    }

    /// - Parameter isRace: it may have been for a reason of the connection's, not of this request's.
    private func fail(_ failure: ExchangeMachine.UpstreamFailure, _ exchange: Exchange, isRace: Bool) {
        guard self.failure == nil else { return }
        if !isRace { exchange.isReused = false }
        self.failure = failure
    }

    private static func failure(_ code: H2Code, afterHead hasResponse: Bool) -> ExchangeMachine.UpstreamFailure {
        switch code {
        case .refusedStream where !hasResponse: .refused
        // The target's word that HTTP/2 will not do for this request, or one of ours that its answer was against the rules.
        case .http11Required, .protocolError: hasResponse ? .cutResponse : .malformed
        default: hasResponse ? .cutResponse : .closedBeforeResponse
        }
    }

    private func breakTunnel(_ exchange: Exchange) {
        exchange.tunnelEnds.upstream = .broken
        exchange.endTunnel(.upstream)
    }

    private func dropBuffers() {
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        if let trailerBlock { worker.buffers.give(trailerBlock) }
        trailerBlock = nil
    }

    /// For the next exchange.
    private func release() {
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

extension Transport {
    /// The block that holds what came, with room for `count` bytes more.
    fileprivate mutating func input(with count: Int, _ worker: Worker) -> Block {
        let known = input?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if let input, input.room >= count + Block.tailroom { return input }
        let block = worker.buffers.take(Block.headroom + known.count + count + Block.tailroom)
        block.reset(at: Block.headroom)
        block.append(known)
        dropInput(worker)
        input = block
        return block
    }
}
