internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// One stream of a client's HTTP/2 connection: the downstream side of one exchange. Confined to its loop.
///
/// Life: `begin` (its HEADERS are here) → `start` (the exchange begins) → `exchangeEnded`, `cut` or `close` (it has ended, what it gave is
/// perhaps still queued) → `ended` (the session has told `closed`), and again `begin` for another request of the same connection, or
/// `retire`. The queue is kept until `ended`, whatever happens: frames that the session has announced ask for its bytes.
final class H2DownstreamStream: DownstreamStream {
    // SAFETY: the connection ends its streams before it ends.
    unowned(unsafe) let connection: H2DownstreamConnection
    // Unchecked: see `H2DownstreamConnection.streams`.
    @exclusivity(unchecked) private(set) var handle: H2Stream?
    /// The head as one of HTTP/1.1, until the exchange begins.
    @exclusivity(unchecked) var head: Block?
    /// 0, or what the head is refused with.
    @exclusivity(unchecked) var refusal: UInt16 = 0
    /// The request's trailer section, as lines of HTTP/1.1.
    @exclusivity(unchecked) var trailerLines: Block?
    /// `H2Scratch.fields` holds the response's trailers.
    @exclusivity(unchecked) private var hasTrailers = false
    @exclusivity(unchecked) private var isTunnel = false
    /// The request is for one.
    @exclusivity(unchecked) var webSocket: H2WebSocket?

    private static let endGrace = TimeSpan.milliseconds(500)

    init(_ connection: H2DownstreamConnection) {
        self.connection = connection
        super.init(worker: connection.worker, client: connection.client, transport: .stream, isHTTP2: true)
        registration = worker.loop.registerTimer(self)
    }

    override var localAddress: SocketAddress? { Socket.localAddress(connection.transport.descriptor) }

    // MARK: - Life

    func begin(_ handle: H2Stream) {
        self.handle = handle
        transport = .stream
        (refusal, hasTrailers, isTunnel) = (0, false, false)
        webSocket = nil
        needsMoreInput = false
    }

    func start() {
        guard refusal == 0, let block = head else { return refuse(refusal) }
        head = nil
        var parser = RequestParser()
        switch parser.parse(block.bytes, into: worker.requestFields, limits: worker.settings.limits) {
        case .head(let head):
            let exchange = worker.takeExchange()
            self.exchange = exchange
            exchange.begin(self, head, block)
        case .refused(let error):
            worker.buffers.give(block)
            refuse(error.status)
        case .needMore:
            worker.buffers.give(block)
            refuse(400)
        }
    }

    /// A head that breaks the rules: answered and logged. Nothing of it is forwarded.
    private func refuse(_ status: UInt16) {
        let exchange = worker.takeExchange()
        self.exchange = exchange
        exchange.start(self)
        exchange.answer(status, endedBy: .client, phase: .requestHead)
    }

    /// The session does not know it any more. The exchange, if it still runs, has lost its client.
    func ended() {
        handle = nil
        leaveTunnel()
        // The worker may have ended the exchange over our heads.
        if let exchange, exchange.downstream === self { exchange.clientGone() }
        exchange = nil
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        if let block = head.take() { worker.buffers.give(block) }
        if let block = trailerLines.take() { worker.buffers.give(block) }
        clearDeadline()
    }

    /// For good.
    func retire() { worker.loop.unregister(registration) }

    // MARK: - Events

    /// Asked for by `resumeNextTurn`.
    override func handle(_ readiness: Readiness) {
        guard let exchange else { return }
        if isTunnel { exchange.moveTunnel() } else { exchange.relayRequest() }
    }

    override func deadlineReached() {
        if let exchange { return exchange.downstreamDeadlineReached() }
        guard let handle, transport.isClear, !transport.hasEnded else { return reset(.cancel) }
        connection.session.refuseRest(handle)
        connection.wake()
    }

    /// Content of the request.
    func take(_ bytes: UnsafeRawBufferPointer) {
        guard exchange != nil else { return discard(bytes.count) }
        transport.take(bytes, worker)
        inputCame()
    }

    func requestEnds() {
        transport.end()
        inputCame()
        if exchange == nil, transport.isClear { awaitEnd() }
    }

    private func inputCame() {
        guard let exchange else { return }
        if isTunnel { exchange.moveTunnel() } else if !exchange.requestBody.isFinished { exchange.relayRequest() }
    }

    // MARK: - The request's body

    override func consumed(_ count: Int) {
        guard let handle else { return }
        connection.session.consume(handle, count)
        connection.wake()
    }

    override var trailers: UnsafeRawBufferPointer { trailerLines?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    // MARK: - The response

    override func sendInterim(_ head: UnsafeRawBufferPointer) {
        let fields = worker.h2.fields
        guard let handle, let response = H2Writing.response(head, into: fields) else { return }
        if response.status == 101 {
            connection.session.respond(handle, fields, ends: false)
        } else {
            connection.session.interim(handle, fields)
        }
        connection.wake()
    }

    override func respond(_ head: UnsafeRawBufferPointer, ends: Bool) {
        guard let handle else { return }
        let fields = worker.h2.fields
        guard H2Writing.response(head, into: fields) != nil else { return reset(.internalError) }
        connection.session.respond(handle, fields, ends: ends)
        connection.wake()
    }

    override func sendAnswer(_ message: UnsafeRawBufferPointer) {
        guard let handle else { return }
        let fields = worker.h2.fields
        guard let response = H2Writing.response(message, into: fields) else { return reset(.internalError) }
        let body = UnsafeRawBufferPointer(rebasing: message[response.length...])
        connection.session.respond(handle, fields, ends: body.isEmpty)
        connection.wake()
        guard !body.isEmpty else { return }
        sendCopy(body)
        connection.session.finish(handle)
    }

    override func keepTrailers(_ lines: UnsafeRawBufferPointer) {
        guard !lines.isEmpty else { return }
        H2Writing.trailers(lines, ByteRange(start: 0, end: UInt32(clamping: lines.count)), into: worker.h2.fields)
        hasTrailers = true
    }

    override func endBody() {
        guard let handle else { return }
        connection.session.finish(handle, trailers: hasTrailers ? worker.h2.fields : nil)
        connection.wake()
    }

    override func outputWaits() {
        guard let handle else { return }
        let session = connection.session
        session.offer(handle, transport.output.count - session.unsent(handle))
        connection.wake()
    }

    // MARK: - For the connection

    /// Moves so much of the queue behind what `block` holds. False when there is not so much.
    func movePayload(_ count: Int, to block: Block) -> Bool {
        guard count <= transport.output.count, count <= block.room else { return false }
        var left = count
        while left > 0 {
            let first = transport.output.first
            let part = min(left, first.count)
            block.append(UnsafeRawBufferPointer(rebasing: first[..<part]))
            transport.output.drop(part, pool: worker.buffers)
            left -= part
        }
        return true
    }

    /// Some of the queue has left.
    func payloadLeft() {
        guard handle != nil else { return }
        guard transport.isClear else { return awaitWritable() }
        guard let exchange else { return awaitEnd() }
        if isTunnel { exchange.moveTunnel() } else { exchange.downstreamDrained() }
    }

    // MARK: - Ends

    override func acceptsUpgrade(_ head: UnsafeRawBufferPointer, _ fields: FieldTable) -> Bool {
        webSocket?.isAnswered(by: head, fields) ?? false
    }

    override func becomeTunnel() {
        isTunnel = true
        connection.tunnels += 1
    }

    private func leaveTunnel() {
        guard isTunnel else { return }
        isTunnel = false
        connection.tunnels -= 1
        if connection.tunnels == 0, connection.clock.wantsDrain { connection.drain() }
    }

    override func shutdownWrite() -> Bool {
        endBody()
        return true
    }

    override func exchangeEnded(close closes: Bool, linger: Bool) {
        exchange = nil
        guard handle != nil else { return }
        if transport.isClear { awaitEnd() } else { awaitWritable() }
        dropInput()
        connection.wake()
    }

    /// The response has left. A client that still sends its request has time to read it and to stop by itself (some take the reset that RFC
    /// 9113 §8.1 offers for a failure of the response); it gets no window meanwhile.
    private func awaitEnd() {
        // Behind a window that is used up even the end has to wait.
        setDeadline(after: transport.hasEnded ? worker.settings.idle : Self.endGrace)
    }

    override func cut() {
        exchange = nil
        reset(.internalError)
    }

    /// Clients of gRPC take a reset of any code for INTERNAL or worse; UNAVAILABLE tells them that they may try again.
    override func cutCall() {
        exchange = nil
        guard let handle else { return }
        let fields = worker.h2.fields
        fields.removeAll()
        GRPCAnswer.addBrokenOff(to: fields)
        connection.session.finish(handle, trailers: fields)
        if transport.isClear { awaitEnd() } else { awaitWritable() }
        dropInput()
        connection.wake()
    }

    /// The exchange has nobody to answer to, or its tunnel has ended.
    override func close() {
        exchange = nil
        guard let handle else { return }
        if isTunnel {
            // What is queued still goes out, then the end; nothing more is heard.
            connection.session.finish(handle)
            connection.session.refuseRest(handle)
            leaveTunnel()
            dropInput()
            awaitWritable()
            connection.wake()
        } else {
            reset(.cancel)
        }
    }

    private func dropInput() {
        if let input = transport.input { discard(input.count) }
        transport.dropInput(worker)
    }

    private func discard(_ count: Int) {
        guard let handle else { return }
        connection.session.discard(handle, count)
        connection.wake()
    }

    private func reset(_ code: H2Code) {
        guard let handle else { return }
        clearDeadline()
        connection.session.reset(handle, code)
        connection.wake()
    }
}
