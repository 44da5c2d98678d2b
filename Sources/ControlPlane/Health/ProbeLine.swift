internal import Glibc
internal import Net
internal import Routing
internal import TLS

/// A probe's way to its target, in plain text or through TLS. Confined to its loop.
struct ProbeLine {
    enum Handshake: Equatable {
        case complete
        /// The kernel will tell.
        case wait
        /// No edge will come: another turn is wanted.
        case again
        /// In an operator's words.
        case failed(String)
    }

    private let descriptor: Int32
    private let session: TLSSession?
    private let mustAgreeOnHTTP2: Bool

    /// Over a socket that is connected. nil when OpenSSL has no memory.
    init?(_ descriptor: Int32, _ wire: TargetWire, bridge: @autoclosure () -> TLSBridge) {
        self.descriptor = descriptor
        mustAgreeOnHTTP2 = wire.isHTTP2
        guard let client = wire.tls else {
            session = nil
            return
        }
        guard let session = try? TLSSession(connecting: descriptor, to: wire.peer, client: client, bridge: bridge()) else { return nil }
        self.session = session
    }

    func shakeHands() -> Handshake {
        guard let session else { return .complete }
        switch session.handshake() {
        case .complete where mustAgreeOnHTTP2 && session.negotiatedProtocol != .http2: return .failed("TLS: the target does not speak h2")
        case .complete: return .complete
        case .wantRead: return session.mayHaveMore ? .again : .wait
        case .wantWrite: return .wait
        case .failed(let failure): return .failed("TLS: \(failure)")
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        guard let session else { return Syscall.send(descriptor, bytes) }
        return Self.transfer(session.write(bytes))
    }

    /// Records that wait for the writable edge.
    func flush() {
        if let session, session.wantsWrite { _ = session.flush() }
    }

    func receive(into room: UnsafeMutableRawBufferPointer) -> Transfer {
        guard let session else { return Syscall.receive(descriptor, room) }
        return Self.transfer(session.read(into: room))
    }

    /// What has come is not all out yet, and no edge will tell.
    var mayHaveMore: Bool { session?.mayHaveMore ?? false }

    /// Nothing more is said.
    func close() { _ = session?.shutdown() }

    private static func transfer(_ outcome: TLSTransfer) -> Transfer {
        switch outcome {
        case .moved(let count): .moved(count)
        case .wantRead, .wantWrite: .wouldBlock
        case .closed, .truncated: .end
        case .failed: .failed(EPROTO)
        }
    }
}
