internal import HTTP
internal import Net
internal import Routing
internal import TLS

/// One HTTP/2 connection of this loop to a target: the socket (or TLS session), the `H2Session`, and the streams, each of which serves one
/// exchange. `H2Upstreams` gives the streams away. Confined to its loop.
///
/// Life: `connecting` → (TLS: `handshaking`; ALPN must give h2) → `ready` → `retiring` (opens no stream, closes with its last: the target has
/// retired or is drained, the peer said GOAWAY, the numbers of streams run out) → `closed`. Without streams it is idle: closed at the
/// keep-alive deadline, at once when it is retiring. Whatever breaks it closes it; its streams fail then, each as far as it had come.
///
/// Streams that come before it is `ready` wait in it. Requests go out without waiting for the peer's SETTINGS.
///
/// Nothing is sent from inside a call: `gather` asks for the end of the turn, where all that many exchanges have said goes in one call
/// (`H2UpstreamConnection+Sending`). What came is told to the exchanges when all of one read is with its streams (`+Receiving`).
final class H2UpstreamConnection: EventHandler {
    enum State: UInt8 { case connecting, handshaking, ready, retiring, closed }

    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) let worker: Worker
    let target: Target
    let session: H2Session
    // Unchecked: see `DownstreamStream.transport`.
    @exclusivity(unchecked) var state = State.connecting
    @exclusivity(unchecked) var transport: Transport
    @exclusivity(unchecked) var registration = Registration.none
    private var handshake: UpstreamHandshake?

    // Unchecked: the checks at run time show per request. Every access is a statement of its own, ended before an exchange is called.
    /// By the number that the session keeps for a stream; those that serve nobody are used again.
    @exclusivity(unchecked) private(set) var streams: [H2UpstreamStream] = []
    @exclusivity(unchecked) private var free: [UInt32] = []
    /// Streams given away that the session does not know yet.
    @exclusivity(unchecked) private var waiting = 0
    /// What came for them is to be told.
    @exclusivity(unchecked) var touched: [UInt32] = []
    /// They had something to send, and it has left.
    @exclusivity(unchecked) var drained: [UInt32] = []
    @exclusivity(unchecked) var isGathering = false
    /// The peer does not take bytes any more; it may still have sent some.
    @exclusivity(unchecked) var hasWriteFailed = false

    /// A response has come over it: the next request's failure may be a race with its end.
    @exclusivity(unchecked) var hasServed = false
    /// The peer's SETTINGS are here.
    @exclusivity(unchecked) var knowsSettings = false
    /// Those who wait for these are to be told.
    @exclusivity(unchecked) var owesNews = false
    /// Streams opened so far: their numbers do not come back.
    @exclusivity(unchecked) private var count = 0
    /// What the clock has to do with it (`+Clock`).
    @exclusivity(unchecked) var times: H2UpstreamTimes

    /// So many streams are opened on one connection at most: then its numbers (2³¹, every second of them ours) are nearly used up.
    private static let greatestStream = 1 << 30 - 1 << 16
    /// Opened at once where the peer sets no limit.
    private static let greatestRoom = 1024
    /// Before the peer has said what it takes.
    private static let assumedRoom = 100

    private init(worker: Worker, target: Target, session: H2Session, descriptor: Int32, timeout: TimeSpan) {
        self.worker = worker
        self.target = target
        self.session = session
        transport = Transport(descriptor: descriptor)
        times = H2UpstreamTimes(now: worker.loop.now, connectBy: worker.loop.now + timeout)
    }

    /// nil when the target cannot be reached at all: refused at once, or no descriptor for it.
    static func dial(_ target: Target, worker: Worker, timeout: TimeSpan) -> H2UpstreamConnection? {
        let (limits, pages) = (worker.snapshot.http2.client, worker.h2.pages)
        guard let session = try? H2Session(role: .client, limits: limits, now: worker.loop.now, pages: pages),
            let descriptor = UpstreamDial.start(target.identity.address, worker)
        else { return nil }
        let connection = H2UpstreamConnection(
            worker: worker, target: target, session: session, descriptor: descriptor.raw, timeout: timeout)
        guard let registration = worker.loop.register(descriptor.raw, connection) else {
            Syscall.close(descriptor.raw)
            return nil
        }
        connection.registration = registration
        connection.arm()
        if descriptor.isConnected { connection.connected() }
        return connection.state == .closed ? nil : connection
    }

    // MARK: - Streams

    /// Serve somebody, or are not over yet.
    var activeStreams: Int { streams.count - free.count }
    var isIdle: Bool { activeStreams == 0 }

    /// How many more it takes now, by what the peer is known to allow.
    /// - Parameter known: the limit of an earlier connection to this target; 0 = none.
    func room(known: Int) -> Int {
        switch state {
        case .ready where knowsSettings: min(session.openable, Self.greatestRoom - session.streamCount) - waiting
        case .ready: min(session.openable, assumed(known) - session.streamCount) - waiting
        case .connecting, .handshaking: assumed(known) - waiting
        case .retiring, .closed: 0
        }
    }

    private func assumed(_ known: Int) -> Int { known > 0 ? min(known, Self.assumedRoom) : Self.assumedRoom }

    /// For one exchange, which attaches itself next.
    func makeStream() -> H2UpstreamStream {
        if isIdle {
            times.busy(now: worker.loop.now)
            if state == .ready { arm() }
        }
        waiting += 1
        if let index = free.popLast() { return streams[Int(index)] }
        let stream = H2UpstreamStream(connection: self, index: UInt32(streams.count))
        streams.append(stream)
        return stream
    }

    /// It serves nobody any more, and the session knows nothing of it.
    func give(_ stream: H2UpstreamStream, wasWaiting: Bool) {
        guard state != .closed else { return worker.loop.unregister(stream.registration) }
        if wasWaiting { waiting -= 1 }
        free.append(stream.index)
        if isIdle { becomeIdle() }
    }

    /// One of those that waited.
    func opened() {
        waiting -= 1
        count += 1
        gather()
        if count == Self.greatestStream { retire() }
    }

    private func becomeIdle() {
        times.idle(now: worker.loop.now)
        if state == .retiring || !target.keepsIdleConnections || worker.isDraining { gather() } else { arm() }
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        if readiness.isTurnsEnd { return turnEnds() }
        transport.note(readiness)
        switch state {
        case .connecting: handleConnecting(readiness)
        case .handshaking: shakeHands()
        case .ready, .retiring:
            if readiness.isWritable, !transport.isClear { flush() }
            if state != .closed, transport.isReadable { receive() }
        case .closed: break
        }
    }

    private func handleConnecting(_ readiness: Readiness) {
        if readiness.isBroken {
            _ = Syscall.pendingError(transport.descriptor)
            lost(.connect)
        } else if readiness.isWritable {
            connected()
        }
    }

    private func connected() {
        guard target.wire.tls != nil else { return becomeReady() }
        guard let handshake = UpstreamHandshake(target, transport, worker) else { return lost(.connect) }
        self.handshake = handshake
        state = .handshaking
        shakeHands()
    }

    private func shakeHands() {
        switch handshake?.step(transport, worker) {
        case .complete(let sealed):
            transport = sealed
            handshake = nil
            becomeReady()
        case .again: worker.loop.resumeNextTurn(registration)
        case .wait, nil: break
        case .failed: lost(.connect)
        }
    }

    private func becomeReady() {
        state = .ready
        times.connectBy = .never
        times.heard(now: worker.loop.now)
        tellWaiting()
        gather()
        if transport.isReadable { worker.loop.resumeNextTurn(registration) }
        arm()
    }

    /// Whoever waits may have waited for this.
    func tellWaiting() {
        for stream in streams { stream.connectionReady() }
    }

    // MARK: - Ends

    /// Opens no stream any more; closes with the last one.
    func retire() {
        guard state == .ready else { return }
        state = .retiring
        if isIdle { gather() }
    }

    /// Its target takes none, or it has nothing to do: in good order, as far as that takes no waiting.
    func closeIdle() {
        if state == .ready || state == .retiring { sayGoodbye() }
        close()
    }

    /// The loop ends.
    func closeAtOnce() {
        if state == .ready || state == .retiring { sayGoodbye() }
        lost()
    }

    /// It broke, or never came to be.
    /// - Parameter failure: of streams without a response; nil = the peer ended it.
    func lost(_ failure: ExchangeMachine.UpstreamFailure? = nil) {
        guard state != .closed else { return }
        let abandoned = streams
        close()
        for stream in abandoned { stream.connectionLost(failure) }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        if let ticket = transport.session?.takeTicket() { worker.tickets.put(ticket, for: target) }
        worker.h2Upstreams.remove(self)
        transport.output.removeAll(pool: worker.buffers)
        worker.loop.unregister(registration)
        transport.close()
        for stream in streams { stream.retire() }
        streams = []
        free = []
    }
}

extension Readiness {
    fileprivate var isTurnsEnd: Bool { rawValue & Readiness.turnEnds.rawValue != 0 }
}
