internal import Glibc
internal import HTTP
internal import Net
internal import Routing
internal import TLS

/// One question to one target, on a connection of its own. Confined to the prober's loop.
///
/// The answer is told once, as soon as it is known. After that the connection is read to its end for a moment: closing it with unread bytes
/// would send a reset, and fill the target's log with complaints.
final class Probe: EventHandler {
    private enum Stage {
        /// Waits for a place. Next: `connecting`, `closed`.
        case queued
        /// Next: `handshaking`, `asking`, `closed`.
        case connecting
        /// TLS. Next: `asking`, `closed`.
        case handshaking(TLSSession)
        /// Next: `finishing`, `closed`.
        case asking(ProbeTalk)
        /// Answered and told; bytes that may still be read. Next: `closed`.
        case finishing(ProbeTalk, room: Int)
        case closed
    }

    /// A page that says "ok" fits; who sends more than this to a health check gets a reset.
    private static let finishingRoom = 256 * 1024

    /// Who was asked to close and does not is closed upon.
    private static let finishingTime = TimeSpan.milliseconds(100)

    private let order: ProbeOrder
    private var stage = Stage.queued
    private var channel = ProbeChannel(-1)
    private var registration = Registration.none
    private var startedAt = Instant.never
    /// The prober that gave it a place; nil before and after.
    private var prober: Prober?
    private var tell: ((ProbeResult) -> Void)?

    /// - Parameter tell: called once on the loop, unless the probe is cancelled before.
    init(_ order: ProbeOrder, tell: @escaping (ProbeResult) -> Void) {
        self.order = order
        self.tell = tell
    }

    var isCancelled: Bool { if case .closed = stage { true } else { false } }

    /// Nobody waits for the result any more.
    func cancel() {
        tell = nil
        close()
    }

    /// Takes a place of the prober's; given back by `Prober.left`.
    func begin(_ prober: Prober) {
        self.prober = prober
        stage = .connecting
        startedAt = prober.loop.now
        switch Socket.connect(to: order.address) {
        case .failed(let code): fail(connecting: code)
        case .started(let socket, _):
            channel = ProbeChannel(socket.release())
            guard let registration = prober.loop.register(channel.descriptor, self) else { return fail(connecting: ENOMEM) }
            self.registration = registration
            prober.loop.setDeadline(registration, startedAt + order.timeout)
        }
    }

    // MARK: - EventHandler

    func handle(_ readiness: Readiness) {
        guard let prober else { return }
        if case .connecting = stage {
            guard !readiness.isDisjoint(with: [.writable, .error, .hangUp]) else { return }
            let code = Syscall.pendingError(channel.descriptor)
            guard code == 0 else { return fail(connecting: code) }
            connected(prober)
        }
        if case .handshaking(let session) = stage { shakeHands(session, prober) }
        channel.flush()
        send()
        receive(prober)
    }

    func deadlineReached() {
        switch stage {
        case .connecting: finish(.failed, "connect timeout")
        case .handshaking: finish(.failed, "TLS: timeout")
        case .asking(let talk): finish(.failed, talk.hasBegun ? "timeout within the answer" : "timeout")
        case .queued, .finishing, .closed: break
        }
        close()
    }

    // MARK: - Private

    private func connected(_ prober: Prober) {
        sendProxyHeader()
        if case .connect = order.question {
            finish(.passed, "connected")
            return close()
        }
        guard let client = order.wire.tls else { return ask(prober) }
        guard let session = try? TLSSession(connecting: channel.descriptor, to: order.wire.peer, client: client, bridge: prober.tls) else {
            finish(.none, "OpenSSL makes no session")
            return close()
        }
        stage = .handshaking(session)
    }

    private func shakeHands(_ session: TLSSession, _ prober: Prober) {
        switch session.handshake() {
        case .complete:
            channel.session = session
            guard !order.wire.isHTTP2 || session.negotiatedProtocol == .http2 else {
                finish(.failed, "TLS: the target does not speak h2")
                return close()
            }
            ask(prober)
        case .wantRead: if session.mayHaveMore { prober.loop.resumeNextTurn(registration) }
        case .wantWrite: break
        case .failed(let failure):
            finish(.failed, "TLS: \(failure)")
            close()
        }
    }

    private func ask(_ prober: Prober) {
        if let talk = makeTalk(prober) { return stage = .asking(talk) }
        finish(.none, "no memory")
        close()
    }

    private func makeTalk(_ prober: Prober) -> ProbeTalk? {
        if case .http(let path, let host, let expect) = order.question, !order.wire.isHTTP2 {
            return H1ProbeTalk(path: path, host: host, expect: expect)
        }
        return H2ProbeTalk(order.question, isSecure: order.wire.tls != nil, scratch: prober.h2, now: prober.loop.now)
    }

    /// Before everything else. A check is a connection of our own: version 2 has a word for that, version 1 wants the two ends that the
    /// connection has (proxy-protocol.txt §2.1). What a new connection does not take at once it never takes: the answer will tell.
    private func sendProxyHeader() {
        guard let version = order.wire.proxyHeader.version else { return }
        let source = version == .v1 ? Socket.localAddress(channel.descriptor) : nil
        withUnsafeTemporaryAllocation(byteCount: ProxyHeaderWriter.greatestLength, alignment: 8) { room in
            let count = ProxyHeaderWriter.write(version, source: source, destination: order.address, into: room)
            _ = Syscall.send(channel.descriptor, UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
    }

    /// A target may answer and close before it has read all: that it takes no more is no verdict, what it says is.
    private func send() {
        let talk: ProbeTalk
        switch stage {
        case .asking(let present), .finishing(let present, _): talk = present
        case .queued, .connecting, .handshaking, .closed: return
        }
        while !talk.outbox.isEmpty {
            guard case .moved(let count) = talk.outbox.withUnsafeBytes({ channel.send($0) }), count > 0 else { return }
            talk.outbox.removeFirst(count)
        }
    }

    /// Until nothing is left: an edge will not come again.
    private func receive(_ prober: Prober) {
        while !isCancelled {
            if case .handshaking = stage { return }
            let transfer = channel.receive(prober.scratch)
            switch (stage, transfer) {
            case (_, .wouldBlock):
                if channel.session?.mayHaveMore == true { prober.loop.resumeNextTurn(registration) }
                return
            case (.asking(let talk), .moved(let count)):
                take(talk, UnsafeRawBufferPointer(rebasing: prober.scratch[..<count]), prober)
            case (.asking(let talk), .end):
                finish(.failed, talk.hasBegun ? "closed within the answer" : "closed without an answer")
                return close()
            case (.asking(let talk), .failed):
                finish(.failed, talk.hasBegun ? "reset within the answer" : "reset without an answer")
                return close()
            case (.finishing(let talk, let room), .moved(let count)) where count < room: stage = .finishing(talk, room: room - count)
            case (.finishing, _), (.queued, _), (.connecting, _), (.handshaking, _), (.closed, _): return close()
            }
        }
    }

    private func take(_ talk: ProbeTalk, _ bytes: UnsafeRawBufferPointer, _ prober: Prober) {
        switch talk.read(bytes, now: prober.loop.now) {
        case .needMore: send()
        case .refused(let reason):
            finish(.failed, reason)
            close()
        case .answered(let passed, let reason):
            stage = .finishing(talk, room: Self.finishingRoom)
            prober.loop.setDeadline(registration, prober.loop.now + Self.finishingTime)
            finish(passed ? .passed : .failed, reason)
            talk.leave(now: prober.loop.now)
            send()
        }
    }

    private func fail(connecting code: Int32) {
        let (verdict, reason) = ProbeResult.verdict(ofConnect: code)
        finish(verdict, reason)
        close()
    }

    private func finish(_ verdict: ProbeResult.Verdict, _ reason: String) {
        guard let tell, let now = prober?.loop.now else { return }
        self.tell = nil
        tell(ProbeResult(verdict: verdict, reason: reason, duration: now - startedAt))
    }

    private func close() {
        if case .closed = stage { return }
        stage = .closed
        guard let prober else { return }
        self.prober = nil
        if registration != .none { prober.loop.unregister(registration) }
        channel.close()
        prober.left()
    }
}
