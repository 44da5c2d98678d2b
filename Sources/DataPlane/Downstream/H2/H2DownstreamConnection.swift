internal import HTTP
internal import Net
internal import Routing

/// A client connection that speaks HTTP/2 (RFC 9113): the socket or TLS session, the `H2Session`, and its streams, each with an exchange of
/// its own. Confined to its loop.
///
/// Life: `open` (from `Opening`, by ALPN or the preface) → `leaving` (the last word, a GOAWAY, is said; what is queued goes out) →
/// `lingering` (our side is shut, what still comes is thrown away) → `closed`. A drain does not leave `open`: the session counts it, and when
/// no stream is left the connection leaves. Frames are read on the readable edge (`+Receiving`), gathered until the turn ends and sent in one
/// call (`+Sending`); time is watched by one deadline for everything (`+Deadlines`).
final class H2DownstreamConnection: EventHandler, ClientConnection {
    enum State: UInt8 { case open, leaving, lingering, closed }

    // SAFETY: the worker owns the loop that owns this; both end after it.
    unowned(unsafe) let worker: Worker
    let client: Client
    let session: H2Session
    // Unchecked: see `DownstreamStream.transport`.
    @exclusivity(unchecked) var transport: Transport
    @exclusivity(unchecked) var registration = Registration.none
    @exclusivity(unchecked) var state = State.open
    // Unchecked: the checks at run time show per request. Every access is a statement of its own, ended before an exchange is called.
    /// By `H2Stream.slot`.
    @exclusivity(unchecked) var streams: [H2DownstreamStream?] = []
    /// For the next requests.
    @exclusivity(unchecked) var spare: [H2DownstreamStream] = []
    @exclusivity(unchecked) var streamCount = 0
    /// Streams that are tunnels, for which a drain waits.
    var tunnels = 0
    /// Streams whose queue this round of sending has shortened.
    @exclusivity(unchecked) var served: [H2DownstreamStream] = []
    /// `.turnEnds` has been asked for.
    @exclusivity(unchecked) var isGathering = false
    @exclusivity(unchecked) var clock: H2ConnectionClock

    /// Stream objects that a connection keeps for its next requests.
    private static let spares = 64
    private static let shortLingerTime = TimeSpan.milliseconds(250)

    /// nil when there is no memory for a session.
    /// - Parameter transport: with a session whose handshake is through, or with bytes that were read already.
    init?(worker: Worker, client: Client, transport: Transport) {
        let (limits, pages) = (worker.snapshot.http2.server, worker.h2.pages)
        guard let session = try? H2Session(role: .server, limits: limits, now: worker.loop.now, pages: pages) else { return nil }
        self.worker = worker
        self.client = client
        self.session = session
        self.transport = transport
        clock = H2ConnectionClock(now: worker.loop.now, greeting: worker.settings.requestHeader, quiet: worker.settings.keepalive)
    }

    /// Goes on where `Opening` ended: the connection is registered and counted, and bytes may be there.
    func takeOver(_ registration: Registration) {
        self.registration = registration
        worker.loop.handOver(registration, to: self)
        worker.counters.http2Connections += 1
        worker.loop.setDeadline(registration, min(clock.greeting, endOfAge))
        wake()
        readFrames()
        if worker.isDraining { drain() }
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        transport.note(readiness)
        if readiness.isWritable, !transport.isClear { flush() }
        switch state {
        case .open: if readiness.endsTurn { sendFrames() } else if transport.isReadable || transport.input != nil { readFrames() }
        case .leaving: if readiness.endsTurn { sendFrames() }
        case .lingering: discardInput()
        case .closed: break
        }
    }

    func deadlineReached() {
        switch state {
        case .open: checkClock()
        case .leaving, .lingering: close()
        case .closed: break
        }
    }

    // MARK: - Streams

    /// A fresh stream at this place.
    func open(_ handle: H2Stream) -> H2DownstreamStream {
        let slot = Int(handle.slot)
        while streams.count <= slot { streams.append(nil) }
        let stream = spare.popLast() ?? H2DownstreamStream(self)
        stream.begin(handle)
        streams[slot] = stream
        streamCount += 1
        if streamCount == 1 { watchSilence() }
        worker.counters.http2Streams += 1
        return stream
    }

    func stream(_ handle: H2Stream) -> H2DownstreamStream? {
        let slot = Int(handle.slot)
        guard slot < streams.count, let stream = streams[slot], stream.handle == handle else { return nil }
        return stream
    }

    /// The session has told the end of a stream.
    func closed(_ handle: H2Stream) {
        guard let stream = stream(handle) else { return }
        streams[Int(handle.slot)] = nil
        stream.ended()
        worker.counters.http2Streams -= 1
        streamCount -= 1
        if state == .open, spare.count < Self.spares { spare.append(stream) } else { stream.retire() }
        if streamCount == 0 { fellQuiet() }
    }

    /// Nobody is there any more, or will be soon: exchanges hear of it.
    func abandonStreams() {
        for slot in streams.indices {
            guard let stream = streams[slot] else { continue }
            streams[slot] = nil
            stream.ended()
            stream.retire()
            worker.counters.http2Streams -= 1
        }
        streamCount = 0
    }

    // MARK: - Ends

    /// RFC 9113 §6.8: two GOAWAYs, so that what the client has sent meanwhile still gets its answer. While a stream is a tunnel the
    /// connection is not told to leave: the tunnel has time until its own deadline, and other requests may go on beside it.
    func drain() {
        guard state == .open else { return }
        guard tunnels == 0 else {
            clock.wantsDrain = true
            return
        }
        guard !session.isDraining else { return }
        session.beginDrain()
        clock.finishDrain = worker.loop.now + H2ConnectionClock.drainGrace
        arm(clock.finishDrain)
        wake()
    }

    /// The last frames are with the transport or before it: what is queued goes out, then our side is shut.
    func leave() {
        guard state == .open || state == .leaving else { return }
        if state == .open {
            state = .leaving
            abandonStreams()
            worker.loop.setDeadline(registration, worker.loop.now + worker.settings.idle)
        }
        guard transport.isClear, transport.shutdownWrite() else { return }
        state = .lingering
        // Long enough for a GOAWAY to be read; whoever broke the rules is not entertained longer.
        let span = session.isDrained ? LoopSettings.lingerTime : Self.shortLingerTime
        worker.loop.setDeadline(registration, worker.loop.now + span)
        discardInput()
    }

    /// The client is gone, or there is no use in telling it anything.
    func close() {
        guard state != .closed else { return }
        state = .closed
        abandonStreams()
        for stream in spare { stream.retire() }
        spare = []
        transport.output.removeAll(pool: worker.buffers)
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        transport.close()
        worker.counters.http2Connections -= 1
        worker.connectionClosed(client.socket)
    }

    private func discardInput() {
        var reads = 0
        while state == .lingering, transport.isReadable {
            if reads == 8 { return worker.loop.resumeNextTurn(registration) }
            reads += 1
            switch transport.read(into: worker.freshReadBlock(), limit: Transport.cautiousRelaySize) {
            case .moved: continue
            case .wouldBlock: return
            case .end, .failed: return close()
            }
        }
    }
}

extension Readiness {
    private static let turnEndsBit: UInt32 = 0x2000_0000
    fileprivate var endsTurn: Bool { rawValue & Self.turnEndsBit != 0 }
}
