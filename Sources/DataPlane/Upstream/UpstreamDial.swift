import Glibc
internal import Net
internal import Routing
internal import TLS
internal import Telemetry

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

    /// nil when the target is not spoken to by TLS, or OpenSSL has no memory.
    init?(_ target: Target, _ transport: Transport, _ worker: Worker) {
        guard let client = target.wire.tls,
            let session = try? TLSSession(
                connecting: transport.descriptor, to: target.wire.peer, client: client, bridge: worker.tls,
                ticket: worker.tickets.take(target))
        else { return nil }
        self.session = session
    }

    func step(_ former: Transport, _ target: Target, _ worker: Worker) -> Step {
        switch session.handshake() {
        case .complete:
            var sealed = Transport(descriptor: former.descriptor, session: session)
            sealed.isPeerClosed = former.isPeerClosed
            sealed.isReadable = session.mayHaveMore || former.isPeerClosed
            sealed.owesRecords = session.wantsWrite
            return .complete(sealed)
        case .wantRead: return session.mayHaveMore ? .again : .wait
        case .wantWrite: return .wait
        case .failed(let failure):
            Self.complain(of: target, worker) { "no TLS: \(failure)" }
            return .failed
        }
    }

    /// Operators hear why a target cannot be spoken to: its certificate, as a rule.
    static func complain(of target: Target, _ worker: Worker, _ reason: () -> String) {
        let name = "\(target.identity.service)/\(target.identity.pool)/\(target.identity.text)"
        worker.notices.handshake.tell(at: worker.loop.now, of: name) { "target \(name): \(reason())" }
    }
}
