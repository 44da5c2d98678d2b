internal import HTTP
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

/// One request and its response, from the end of the request head to the access log. `LIFECYCLE.md` beside this file draws its life.
///
/// Pooled by the worker and used again; confined to its loop. Holds the downstream connection for its time, a lease on a target from
/// `choose` to `finish`, and an upstream connection from `connect` to the end of the response. `machine` decides, this class does.
final class Exchange {
    // SAFETY: the worker owns its exchanges and ends after them; a counted reference would cost two atomics a request.
    unowned(unsafe) let worker: Worker
    // Unchecked, but for `tunnelEnds`: the checks at run time were a tenth of a request. Every access is of a word, or of a struct whose
    // methods call nobody; it ends before a stream, a connection or another exchange is called.
    @exclusivity(unchecked) var machine = ExchangeMachine()
    /// Counts the uses of this object: whoever calls out and comes back compares, since the exchange may have ended, and begun anew.
    @exclusivity(unchecked) private(set) var serial: UInt64 = 0

    @exclusivity(unchecked) var downstream: DownstreamStream?
    @exclusivity(unchecked) var upstream: UpstreamStream?
    @exclusivity(unchecked) var head = RequestHead()
    /// The request head as received: for the rewrite, for another attempt, for the log.
    @exclusivity(unchecked) var headBlock: Block?
    @exclusivity(unchecked) var route: Route?
    @exclusivity(unchecked) var service: Service?
    @exclusivity(unchecked) var pool: Pool?
    @exclusivity(unchecked) var target: Target?
    /// The claim on service, pool and target; from `choose` to the end.
    @exclusivity(unchecked) var lease: Lease?
    @exclusivity(unchecked) var epoch: Epoch = 0
    @exclusivity(unchecked) var identifier = RequestIdentifier()

    @exclusivity(unchecked) var requestBody = MessageBody()
    @exclusivity(unchecked) var responseBody = MessageBody()
    @exclusivity(unchecked) var response = ResponseState()
    @exclusivity(unchecked) var times = ExchangeTimes()
    @exclusivity(unchecked) var logFields = LogFields()
    var tunnelEnds = TunnelEnds()
    @exclusivity(unchecked) var choosing = PoolChoosing()
    /// Body bytes of the client that are on their way upstream or gone: another attempt could not send them again.
    @exclusivity(unchecked) var hasStreamedBody = false
    /// What went of the body so far, while it is little and may have to go again (`KeptBody.swift`).
    @exclusivity(unchecked) var keptBody: Block?
    /// Bytes of the present attempt were handed to the kernel.
    @exclusivity(unchecked) var hasSent = false
    @exclusivity(unchecked) var attempts: UInt8 = 0
    /// How often a target has sent it back unprocessed.
    @exclusivity(unchecked) var refusals: UInt8 = 0
    @exclusivity(unchecked) var hasRetriedFresh = false
    @exclusivity(unchecked) var isReused = false
    @exclusivity(unchecked) var holdsPlace = false
    /// Counted among the loop's tunnels.
    @exclusivity(unchecked) var isTunnel = false
    /// Until when a pause may hold it; `.never` unless it is held, or was and has not chosen since.
    @exclusivity(unchecked) var holdDeadline = Instant.never
    @exclusivity(unchecked) var heldSince = Instant.never
    /// What it counts for in `ServiceState.hold`.
    @exclusivity(unchecked) var heldBytes = 0
    /// When the client's own patience ends (`grpc-timeout`).
    @exclusivity(unchecked) var callDeadline = Instant.never
    @exclusivity(unchecked) var drainDeadline = Instant.never
    @exclusivity(unchecked) var tunnelDeadline = Instant.never

    init(worker: Worker) { self.worker = worker }

    var isInUse: Bool {
        if case .free = machine.state { false } else { true }
    }

    var clientAddress: SocketAddress { downstream?.client.address ?? .unix(path: nil) }

    /// The client came by TLS.
    var isSecure: Bool { downstream?.client.isSecure ?? false }
    var asksForClientCertificate: Bool { downstream?.client.policy.asksForClientCertificate ?? false }

    /// The retained head's bytes; offsets of `head` are into these.
    var headBytes: UnsafeRawBufferPointer { headBlock?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    /// A request head is complete. `block` begins with it and may hold body bytes, and further requests, behind it: they wait in the
    /// downstream's `input` until they are asked for. The fields are in `worker.requestFields`. HTTP/2: the block is the head and the
    /// exchange's from now on; body bytes are in `input` already.
    func begin(_ downstream: DownstreamStream, _ head: RequestHead, _ block: Block) {
        start(downstream)
        self.head = head
        times.bytesIn = UInt64(head.length)
        if downstream.isHTTP2 {
            // An upgrade has no body: what comes is the tunnel's. One that was announced as chunked has an end of its own, empty or not.
            let isEmpty = downstream.transport.hasEnded && downstream.transport.input == nil && head.framing != .chunked
            requestBody = MessageBody(stream: isEmpty || head.wantsUpgrade)
            headBlock = block
            return enter()
        }
        requestBody = MessageBody(head.framing, dropsTrailers: head.namesFields)
        let retained = worker.buffers.take(head.length)
        retained.append(UnsafeRawBufferPointer(rebasing: block.bytes[0..<head.length]))
        headBlock = retained
        block.consume(head.length)
        downstream.transport.keep(block, worker)
        enter()
    }

    /// Finds the route under the newest epoch and goes where it leads. The loop's field table holds this request's fields.
    func enter() {
        let snapshot = worker.newestSnapshot()
        epoch = snapshot.epoch
        noteLogFields(worker.requestFields, snapshot)
        if head.has(.grpcTimeout) { noteCallDeadline() }
        let found = snapshot.route(headBytes, head: head, fields: worker.requestFields)
        if let port = portForTLS(found) { return redirectToTLS(port: port) }
        guard let route = found else { return answer(404) }
        self.route = route
        if let refusal = refusal() { return answer(refusal) }
        switch route.action {
        case .service(let service): admit(to: service)
        case .redirect, .respond: answerByRoute()
        }
    }

    func start(_ downstream: DownstreamStream) {
        serial &+= 1
        self.downstream = downstream
        machine.begin()
        times = ExchangeTimes(begin: worker.loop.now, wall: worker.loop.wall)
        identifier = worker.identifiers.next(wall: worker.loop.wall)
    }

    /// Pool, target and lease in one go, under the newest epoch, within this loop turn: nothing in here can suspend or re-enter. This is
    /// where promise 1 lives: a loop counts as having an epoch only between turns, so what was claimed before is counted before.
    func choose(fieldsAreFresh: Bool) -> Choice {
        let snapshot = worker.newestSnapshot()
        let isOutdated = snapshot.epoch != epoch
        if isOutdated, !chooseRouteAgain(snapshot) { return .none }
        guard let service else { return .none }
        if let gate = service.pause { return .paused(gate) }
        guard let pool = pool ?? choosePool(of: service, fieldsAreFresh: fieldsAreFresh || isOutdated) else { return .none }
        guard let claimed = pool.claimTarget(excluding: target?.ordinal) else { return .none }
        if let former = lease.take() {
            lease = former.moved(to: claimed, of: pool, in: service)
            drainDeadline = .never
            tunnelDeadline = .never
        } else {
            lease = Lease(service: service, pool: pool, target: claimed)
        }
        self.pool = pool
        target = claimed
        return .target(claimed)
    }

    enum Choice {
        case target(Target)
        /// The service is paused: nothing was claimed.
        case paused(PauseGate)
        /// No target takes it.
        case none
    }

    /// Chooses, then connects or reuses a connection; waits while the service is paused; answers 503 when there is no target.
    /// - Parameter fieldsAreFresh: the loop's field table still holds this request's fields.
    func attempt(fieldsAreFresh: Bool) {
        machine.choose()
        let target: Target
        switch choose(fieldsAreFresh: fieldsAreFresh) {
        case .target(let claimed): target = claimed
        case .paused(let gate): return hold(gate)
        case .none: return answer(503, endedBy: .proxy, phase: .connect)
        }
        holdDeadline = .never
        hasSent = false
        isReused = false
        if target.wire.isHTTP2 {
            connect(to: target, fieldsAreFresh: fieldsAreFresh)
        } else if !hasRetriedFresh, let connection = worker.idle.take(target) {
            isReused = true
            times.connected = worker.loop.now
            connection.attach(self)
            upstream = connection
            sendHead(fieldsAreFresh: fieldsAreFresh)
        } else {
            connect(to: target, fieldsAreFresh: fieldsAreFresh)
        }
    }

    /// Forgets the exchange that was; only `serial` goes on.
    func reset() {
        machine = ExchangeMachine()
        downstream = nil
        upstream = nil
        headBlock = nil
        route = nil
        service = nil
        pool = nil
        target = nil
        logFields = LogFields()
        tunnelEnds = TunnelEnds()
        choosing = PoolChoosing()
        requestBody = MessageBody()
        responseBody = MessageBody()
        response = ResponseState()
        head = RequestHead()
        hasStreamedBody = false
        hasSent = false
        attempts = 0
        refusals = 0
        hasRetriedFresh = false
        isReused = false
        holdsPlace = false
        isTunnel = false
        holdDeadline = .never
        callDeadline = .never
        drainDeadline = .never
        tunnelDeadline = .never
        serial &+= 1
    }

    // MARK: - Private

    /// An epoch was published since this exchange began or last chose (a retry, or a wait in the queue): route and pool are of the past.
    private func chooseRouteAgain(_ snapshot: Snapshot) -> Bool {
        epoch = snapshot.epoch
        guard parseAgain(), let route = snapshot.route(headBytes, head: head, fields: worker.requestFields),
            case .service(let service) = route.action, service.name == self.service?.name
        else { return false }
        self.route = route
        self.service = service
        pool = nil
        return true
    }

    /// Fills the loop's field table from the retained head: another exchange has used the table since.
    func parseAgain() -> Bool {
        var parser = RequestParser()
        if case .head = parser.parse(headBytes, into: worker.requestFields, limits: worker.settings.limits) { return true }
        return false
    }

    /// What we refuse for a reason of our own, or answer as the last recipient.
    private func refusal() -> UInt16? {
        if head.method == .connect { return 501 }
        let limit = worker.settings.bodyBytes
        if limit > 0, case .length(let length) = head.framing, length > limit { return 413 }
        if head.has(.maxForwards), head.method == .options || head.method == .trace, ForwardedFields.forwardsLeft(in: self) == 0 {
            return head.method == .options ? 204 : 405
        }
        return nil
    }
}

/// When the phases of an exchange ended, on the loop's clock; what the log tells.
struct ExchangeTimes {
    var begin = Instant.never
    var wall: Int64 = 0
    var admitted = Instant.never
    var connected = Instant.never
    var firstByte = Instant.never
    var bytesIn: UInt64 = 0
    var bytesOut: UInt64 = 0

    init() {}
    init(begin: Instant, wall: Int64) {
        self.begin = begin
        self.wall = wall
    }
}

/// What is known of the response, ours or the upstream's.
struct ResponseState {
    var status: UInt16 = 0
    var interimCount = 0
    /// The upstream will keep its connection, as far as its head says.
    var upstreamPersists = false
    /// Body bytes go downstream in chunks of ours.
    var isChunkedDownstream = false
    /// The downstream connection ends after this response.
    var closesDownstream = false
}
