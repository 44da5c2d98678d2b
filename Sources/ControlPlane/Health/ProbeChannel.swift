internal import Glibc
internal import Net
internal import TLS

/// A probe's socket, with TLS where the target is spoken to so. The prober's loop only.
struct ProbeChannel {
    let descriptor: Int32
    /// After its handshake.
    var session: TLSSession?

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    func send(_ bytes: UnsafeRawBufferPointer) -> Transfer {
        guard let session else { return Syscall.send(descriptor, bytes) }
        return Self.transfer(session.write(bytes))
    }

    func receive(_ space: UnsafeMutableRawBufferPointer) -> Transfer {
        guard let session else { return Syscall.receive(descriptor, space) }
        return Self.transfer(session.read(into: space))
    }

    /// Records that waited leave.
    func flush() {
        if let session, session.wantsWrite { _ = session.flush() }
    }

    func close() {
        _ = session?.shutdown()
        if descriptor >= 0 { Syscall.close(descriptor) }
    }

    private static func transfer(_ outcome: TLSTransfer) -> Transfer {
        switch outcome {
        case .moved(let count): .moved(count)
        case .wantRead, .wantWrite: .wouldBlock
        case .closed, .truncated: .end
        case .failed: .failed(EPROTO)
        }
    }
}
