internal import Glibc
internal import Net
internal import Routing

/// One question to one target, on a connection of its own. Confined to the prober's loop.
///
/// The answer is told once, as soon as it is known. After that the connection is read to its end for a moment: closing it with unread bytes
/// would send a reset, and fill the target's log with complaints.
final class Probe: EventHandler {
    private enum Stage {
        /// Waits for a place. Next: `connecting`, `closed`.
        case queued
        /// Next: `handshaking`, `closed`.
        case connecting
        /// Next: `asking`, `closed`.
        case handshaking
        /// Next: `finishing`, `closed`.
        case asking
        /// Answered and told; bytes that may still be read. Next: `closed`.
        case finishing(room: Int)
        case closed
    }

    /// A page that says "ok" fits; who sends more than this to a health check gets a reset.
    private static let finishingRoom = 256 * 1024

    /// Who was asked to close and does not is closed upon.
    private static let finishingTime = TimeSpan.milliseconds(100)

    private let order: ProbeOrder
    private var stage = Stage.queued
    /// From the connect on.
    private var line: ProbeLine?
    private var talk: ProbeTalk?
    private var descriptor: Int32 = -1
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
            descriptor = socket.release()
            guard let registration = prober.loop.register(descriptor, self) else { return fail(connecting: ENOMEM) }
            self.registration = registration
            prober.loop.setDeadline(registration, startedAt + order.timeout)
        }
    }

    // MARK: - EventHandler

    func handle(_ readiness: Readiness) {
        guard let prober else { return }
        if case .connecting = stage {
            guard !readiness.isDisjoint(with: [.writable, .error, .hangUp]) else { return }
            let code = Syscall.pendingError(descriptor)
            guard code == 0 else { return fail(connecting: code) }
            sendProxyHeader()
            guard case .http(let question) = order.question else {
                finish(.passed, "connected")
                return close()
            }
            line = ProbeLine(descriptor, order.wire, bridge: prober.tls)
            talk = ProbeTalk(question, order.wire, now: prober.loop.now)
            guard line != nil, talk != nil else { return fail(connecting: ENOMEM) }
            stage = .handshaking
        }
        if case .handshaking = stage { shakeHands(prober) }
        switch stage {
        case .asking, .finishing:
            send()
            receive(prober)
        case .queued, .connecting, .handshaking, .closed: break
        }
    }

    func deadlineReached() {
        switch stage {
        case .connecting: finish(.failed, "connect timeout")
        case .handshaking: finish(.failed, "TLS: timeout")
        case .asking: finish(.failed, talk?.hasBegun == true ? "timeout within the answer" : "timeout")
        case .queued, .finishing, .closed: break
        }
        close()
    }

    // MARK: - Private

    /// Before everything else. A check is a connection of our own: version 2 has a word for that, version 1 wants the two ends that the
    /// connection has (proxy-protocol.txt §2.1). What a new connection does not take at once it never takes: the answer will tell.
    private func sendProxyHeader() {
        guard let version = order.wire.proxyHeader.version else { return }
        let source = version == .v1 ? Socket.localAddress(descriptor) : nil
        withUnsafeTemporaryAllocation(byteCount: ProxyHeaderWriter.greatestLength, alignment: 8) { room in
            let count = ProxyHeaderWriter.write(version, source: source, destination: order.address, into: room)
            _ = Syscall.send(descriptor, UnsafeRawBufferPointer(rebasing: room[..<count]))
        }
    }

    private func shakeHands(_ prober: Prober) {
        switch line?.shakeHands() {
        case .complete: stage = .asking
        case .again: prober.loop.resumeNextTurn(registration)
        case .wait, nil: break
        case .failed(let reason):
            finish(.failed, reason)
            close()
        }
    }

    /// A target may answer and close before it has read all: that it takes no more is no verdict, what it says is.
    private func send() {
        line?.flush()
        while let unsent = talk?.unsent, !unsent.isEmpty, let line {
            guard case .moved(let count) = unsent.withUnsafeBytes({ line.send($0) }) else { return }
            talk?.sent(count)
        }
    }

    /// Until nothing is left: an edge will not come again.
    private func receive(_ prober: Prober) {
        while !isCancelled {
            guard let line else { return }
            let transfer = line.receive(into: prober.scratch)
            switch (stage, transfer) {
            case (_, .wouldBlock):
                if line.mayHaveMore { prober.loop.resumeNextTurn(registration) }
                return
            case (.asking, .moved(let count)):
                switch talk?.read(UnsafeRawBufferPointer(rebasing: prober.scratch[..<count]), now: prober.loop.now) {
                // HTTP/2 has acknowledged what it was sent.
                case .needMore, nil: send()
                case .refused(let reason):
                    finish(.failed, reason)
                    return close()
                case .status(let status):
                    stage = .finishing(room: Self.finishingRoom)
                    prober.loop.setDeadline(registration, prober.loop.now + Self.finishingTime)
                    judge(status)
                    talk?.sayGoodbye(now: prober.loop.now)
                    send()
                }
            case (.asking, .end):
                finish(.failed, talk?.hasBegun == true ? "closed within the answer" : "closed without an answer")
                return close()
            case (.asking, .failed):
                finish(.failed, talk?.hasBegun == true ? "reset within the answer" : "reset without an answer")
                return close()
            case (.finishing(let room), .moved(let count)) where count < room: stage = .finishing(room: room - count)
            case (.finishing, _), (.queued, _), (.connecting, _), (.handshaking, _), (.closed, _): return close()
            }
        }
    }

    private func judge(_ status: Int) {
        guard case .http(let question) = order.question else { return }
        let passed = question.expect.contains { $0.contains(status) }
        finish(passed ? .passed : .failed, passed ? "\(status)" : "status \(status)")
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
        line?.close()
        if registration != .none { prober.loop.unregister(registration) }
        if descriptor >= 0 { Syscall.close(descriptor) }
        prober.left()
    }
}
