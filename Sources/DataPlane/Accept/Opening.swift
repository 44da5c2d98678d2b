internal import HTTP
internal import Net
internal import Routing
internal import TLS

/// A client connection before it is known what it speaks. Confined to its loop.
///
/// Life: `silent` (no byte yet: a timer and this object) → `handshaking` (TLS) → handed over by ALPN; without TLS, `silent` → `preface` (the
/// first bytes begin like HTTP/2's, RFC 9113 §3.4) → handed over. Whoever does not come so far in time is closed. Handed over, the
/// connection keeps its registration; a failed handshake sends its alert and closes.
final class Opening: EventHandler, ClientConnection {
    private enum State { case silent, handshaking, preface, alerting, closed }

    // SAFETY: the worker owns the loop that owns this; both end after it.
    private unowned(unsafe) let worker: Worker
    private var client: Client
    private let descriptor: Int32
    private var state = State.silent
    private var registration = Registration.none
    private var session: TLSSession?
    private var transport: Transport

    init(worker: Worker, client: Client, descriptor: Int32) {
        self.worker = worker
        self.client = client
        self.descriptor = descriptor
        transport = Transport(descriptor: descriptor)
        self.client.isSecure = client.policy.certificates != nil
    }

    /// Registers; false when the kernel has no room for it, and the connection is closed.
    func start() -> Bool {
        guard let registration = worker.loop.register(descriptor, self) else {
            Syscall.close(descriptor)
            state = .closed
            return false
        }
        self.registration = registration
        worker.counters.downstreamConnections += 1
        let limit = client.isSecure ? client.policy.handshakeTimeout : worker.settings.requestHeader
        worker.loop.setDeadline(registration, worker.loop.now + limit)
        if worker.isDraining { drain() }
        return true
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        transport.note(readiness)
        switch state {
        // OpenSSL's memory is for those who speak: the session is made with the first bytes.
        case .silent where transport.isReadable: if client.isSecure { beginHandshake() } else { readPreface() }
        case .handshaking: shakeHands()
        case .preface: if transport.isReadable { readPreface() }
        case .alerting: flushAlert()
        case .silent, .closed: break
        }
    }

    func deadlineReached() { close() }

    /// What is under way in the network still gets its answer.
    func drain() {
        let grace = worker.loop.now + LoopSettings.idleGrace
        if case .silent = state, grace < worker.loop.deadline(registration) { worker.loop.setDeadline(registration, grace) }
    }

    func close() {
        guard state != .closed else { return }
        state = .closed
        transport.dropInput(worker)
        worker.loop.unregister(registration)
        Syscall.close(descriptor)
        worker.connectionClosed(client.socket)
    }

    // MARK: - TLS

    private func beginHandshake() {
        guard let store = client.policy.certificates,
            let session = try? TLSSession(accepting: descriptor, store: store, bridge: worker.tls)
        else { return close() }
        self.session = session
        state = .handshaking
        shakeHands()
    }

    private func shakeHands() {
        guard let session else { return }
        switch session.handshake() {
        case .complete: chooseByALPN(session)
        case .wantRead: if session.mayHaveMore { worker.loop.resumeNextTurn(registration) } else { endIfPeerLeft() }
        case .wantWrite: endIfPeerLeft()
        case .failed:
            worker.counters.failedHandshakes &+= 1
            state = .alerting
            flushAlert()
        }
    }

    private func endIfPeerLeft() {
        if transport.isPeerClosed { close() }
    }

    private func flushAlert() {
        guard let session, session.wantsWrite, case .wantWrite = session.flush() else { return close() }
    }

    private func chooseByALPN(_ session: TLSSession) {
        // RFC 9440 §2.1: a byte sequence of structured fields.
        client.certificate = session.peerCertificate.map { [UInt8(ascii: ":")] + Base64.text($0) + [UInt8(ascii: ":")] } ?? []
        var sealed = Transport(descriptor: descriptor, session: session)
        sealed.isReadable = session.mayHaveMore || transport.isPeerClosed
        sealed.isPeerClosed = transport.isPeerClosed
        sealed.owesRecords = session.wantsWrite
        transport = sealed
        worker.counters.handshakes &+= 1
        if session.isResumed { worker.counters.resumedHandshakes &+= 1 }
        handOver(isHTTP2: session.negotiatedProtocol == .http2)
    }

    // MARK: - Prior knowledge

    /// Reads until the bytes differ from the preface of HTTP/2 or are all of it. They stay in the transport's input.
    private func readPreface() {
        let block = transport.blockForReading(worker)
        switch transport.read(into: block, limit: Transport.cautiousRelaySize) {
        case .moved: break
        case .wouldBlock: return transport.keep(block, worker)
        case .end, .failed:
            worker.giveBack(block)
            return close()
        }
        let length = min(block.count, H2Session.preface.utf8CodeUnitCount)
        let known = UnsafeRawBufferPointer(start: H2Session.preface.utf8Start, count: length)
        let isAlike = known.elementsEqual(block.bytes[..<(block.bytes.startIndex + length)])
        let isWhole = length == H2Session.preface.utf8CodeUnitCount
        transport.keep(block, worker)
        state = .preface
        if !isAlike || isWhole { handOver(isHTTP2: isAlike) }
    }

    // MARK: - The end of the beginning

    private func handOver(isHTTP2: Bool) {
        // Who offers HTTP/2 alone gets no other: a client without ALPN, or without its preface.
        guard isHTTP2 || client.policy.speaksHTTP1 else { return close() }
        if isHTTP2 {
            guard let connection = H2DownstreamConnection(worker: worker, client: client, transport: transport) else { return close() }
            state = .closed
            return connection.takeOver(registration)
        }
        state = .closed
        DownstreamConnection(worker: worker, client: client, transport: transport).takeOver(registration)
    }
}
