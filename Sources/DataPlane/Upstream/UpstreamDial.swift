import Glibc
internal import Net
internal import Routing
internal import Telemetry
internal import TLS

/// The first steps on the way to a target, whatever is spoken there.
enum UpstreamDial {
    /// Out of descriptors, an idle connection is worth less than a request: the oldest one makes room, once.
    static func start(_ address: SocketAddress, _ worker: Worker) -> (raw: Int32, isConnected: Bool)? {
        for isLast in [false, true] {
            switch Socket.connect(to: address) {
            case .started(let descriptor, let isConnected): return (descriptor.release(), isConnected)
            case .failed(let code):
                guard !isLast, code == EMFILE || code == ENFILE, worker.closeOldestIdle() else { return nil }
            }
        }
        return nil
    }
}

/// The TLS handshake with a target, while it lasts.
struct UpstreamHandshake {
    enum Step {
        /// Sealed; the transport to go on with.
        case complete(Transport)
        /// The kernel will tell.
        case wait
        /// No edge will come: another turn is wanted.
        case again
        case failed
    }

    private let session: TLSSession
    private let target: Target

    /// nil when the target is not spoken to by TLS, or OpenSSL has no memory.
    init?(_ target: Target, _ transport: Transport, _ worker: Worker) {
        guard let client = target.wire.tls,
            let session = try? TLSSession(
                connecting: transport.descriptor, to: target.wire.peer, client: client, bridge: worker.tls,
                ticket: worker.tickets.take(target))
        else { return nil }
        self.session = session
        self.target = target
    }

    /// A failure is told to operators.
    func step(_ former: Transport, _ worker: Worker) -> Step {
        switch session.handshake() {
        // RFC 9113 §3.2: what is spoken was agreed, or is not spoken.
        case .complete where target.wire.isHTTP2 && session.negotiatedProtocol != .http2:
            tell("it does not speak h2", worker)
            return .failed
        case .complete:
            var sealed = Transport(descriptor: former.descriptor, session: session)
            sealed.isPeerClosed = former.isPeerClosed
            sealed.isReadable = session.mayHaveMore || former.isPeerClosed
            sealed.owesRecords = session.wantsWrite
            return .complete(sealed)
        case .wantRead: return session.mayHaveMore ? .again : .wait
        case .wantWrite: return .wait
        case .failed(let failure):
            tell("\(failure)", worker)
            return .failed
        }
    }

    private func tell(_ reason: String, _ worker: Worker) {
        worker.notices.targetHandshake.tell(at: worker.loop.now) {
            "target \(target.identity.service)/\(target.identity.pool)/\(target.identity.text): no TLS: \(reason)"
        }
    }
}
