import Glibc
internal import Net
internal import TLS

/// A transport whose bytes are sealed. Plaintext that the session does not take (its records wait for the socket) waits in `output`, behind
/// them: so order is kept, and back-pressure looks the same as without TLS.
extension Transport {
    /// What `read` fails with when the peer ended without close_notify: what came may be cut short (RFC 8446 §6.1).
    static let truncated = ENODATA

    mutating func readRecords(into block: Block, _ wanted: Int) -> Transfer {
        guard let session, wanted > 0 else { return .wouldBlock }
        let outcome = session.read(into: UnsafeMutableRawBufferPointer(rebasing: block.space[0..<wanted]))
        // An end that waits behind what was read is told by no further edge; neither is plaintext that OpenSSL still holds.
        isReadable = session.mayHaveMore || isPeerClosed
        owesRecords = session.wantsWrite
        switch outcome {
        case .moved(let count):
            block.filled(count)
            return .moved(count)
        case .wantRead: return .wouldBlock
        case .wantWrite:
            // The writable edge brings us back; until then reading is no use.
            isReadable = false
            return .wouldBlock
        case .closed:
            isReadable = false
            return .end
        case .truncated:
            isReadable = false
            return .failed(Self.truncated)
        case .failed:
            isReadable = false
            return .failed(EPROTO)
        }
    }

    mutating func sendRecords(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) -> WriteQueue.Progress {
        guard let session, isClear else {
            output.append(bytes, pool: pool)
            return .blocked
        }
        switch write(bytes, session) {
        case .moved(let count):
            if count < bytes.count { output.append(UnsafeRawBufferPointer(rebasing: bytes[count...]), pool: pool) }
            return isClear ? .drained : .blocked
        case .failed(let code): return .failed(code)
        case .wouldBlock, .end:
            output.append(bytes, pool: pool)
            return .blocked
        }
    }

    mutating func flushRecords(pool: BufferPool) -> WriteQueue.Progress {
        guard let session else { return .drained }
        let wasDeaf = owesRecords
        if case .failed = session.flush() { return .failed(EPIPE) }
        owesRecords = session.wantsWrite
        // A read that had to wait for this goes on.
        if wasDeaf, !owesRecords { isReadable = true }
        while !owesRecords, !output.isEmpty {
            switch write(output.first, session) {
            case .moved(let count): output.drop(count, pool: pool)
            case .failed(let code): return .failed(code)
            case .wouldBlock, .end: return .blocked
            }
        }
        return isClear ? .drained : .blocked
    }

    mutating func shutdownRecords() -> Bool {
        guard let session else { return true }
        if case .wantWrite = session.shutdown() {
            owesRecords = true
            return false
        }
        Syscall.shutdownWrite(descriptor)
        return true
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer, _ session: TLSSession) -> Transfer {
        let outcome = session.write(bytes)
        owesRecords = session.wantsWrite
        switch outcome {
        case .moved(let count): return .moved(count)
        case .wantRead, .wantWrite: return .wouldBlock
        case .closed, .truncated, .failed: return .failed(EPIPE)
        }
    }
}
