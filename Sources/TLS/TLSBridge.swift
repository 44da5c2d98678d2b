internal import COpenSSL
internal import Glibc
package import Net

/// What stands between OpenSSL and the sockets of one loop: a single BIO that every session of the loop shares, pointed at a session's socket
/// for the length of one call. Reads go from the socket straight into OpenSSL's record buffer; records written in one call gather here and
/// leave by one `send`. Confined to its loop; it outlives its sessions, which hold it.
package final class TLSBridge {
    /// What the C side sees. Reached by pointer alone, so that a callback in the middle of a call breaks no exclusive access.
    struct State {
        var descriptor: Int32 = -1
        /// A read came back short or empty: no more is asked for in this call.
        var isDrained = false
        var hasEnded = false
        /// What this call may still take from the socket.
        var budget = 0
        /// The budget ran out with the socket perhaps not empty.
        var isCut = false
        var errorCode: Int32 = 0
        var gather: UnsafeMutableRawPointer
        var capacity: Int
        var gathered = 0
        /// The last session the other side gave us, ours to free.
        var newSession: OpaquePointer?
        var ticketKeys: TicketKeys
    }

    /// Gathered records leave when they are this many bytes, so that a large write runs in pieces that stay in the cache.
    static let sendSize = 64 * 1024
    /// The most that one call takes from the socket: a peer that sends records without content, or asks for new keys over and over, must not
    /// hold the loop, nor make us gather answers without end. More than a full read needs.
    private static let readBudget = 1024 * 1024
    /// Room for one more record, or a handshake's longest usual flight.
    private static let slack = 32 * 1024

    let pool: BufferPool
    let state: UnsafeMutablePointer<State>
    let bio: OpaquePointer

    /// `pool` is the loop's; what a slow peer does not take waits in its blocks.
    package init(pool: BufferPool, ticketKeys: TicketKeys) {
        self.pool = pool
        state = .allocate(capacity: 1)
        let capacity = Self.sendSize + Self.slack
        let gather = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 64)
        state.initialize(to: State(gather: gather, capacity: capacity, ticketKeys: ticketKeys))
        guard let bio = BIO_new(SharedBIO.method) else { preconditionFailure("OpenSSL makes no BIO") }
        self.bio = bio
        BIO_set_data(bio, state)
        BIO_set_init(bio, 1)
    }

    deinit {
        BIO_set_data(bio, nil)
        BIO_free(bio)
        if let session = state.pointee.newSession { SSL_SESSION_free(session) }
        state.pointee.gather.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
    }

    /// Rotation reaches a loop by its mailbox and counts from the next handshake on.
    package var ticketKeys: TicketKeys {
        get { state.pointee.ticketKeys }
        set { state.pointee.ticketKeys = newValue }
    }

    static func state(of ssl: OpaquePointer) -> UnsafeMutablePointer<State>? {
        BIO_get_data(SSL_get_rbio(ssl))?.assumingMemoryBound(to: State.self)
    }

    /// The calls that follow are `descriptor`'s.
    func begin(_ descriptor: Int32) {
        assert(state.pointee.gathered == 0, "records of another session are still here")
        state.pointee.descriptor = descriptor
        state.pointee.isDrained = false
        state.pointee.hasEnded = false
        state.pointee.errorCode = 0
        state.pointee.budget = Self.readBudget
        state.pointee.isCut = false
    }

    var isDrained: Bool { state.pointee.isDrained }
    var hasEnded: Bool { state.pointee.hasEnded }
    var isCut: Bool { state.pointee.isCut }
    var errorCode: Int32 { state.pointee.errorCode }
    var gathered: Int { state.pointee.gathered }

    /// Sends what gathered; what the kernel does not take is copied to the end of `output`.
    func send(_ output: inout WriteQueue) -> WriteQueue.Progress {
        let bytes = UnsafeRawBufferPointer(start: state.pointee.gather, count: state.pointee.gathered)
        state.pointee.gathered = 0
        guard output.isEmpty else {
            output.append(bytes, pool: pool)
            return .blocked
        }
        guard !bytes.isEmpty else { return .drained }
        switch Syscall.send(state.pointee.descriptor, bytes) {
        case .moved(let count) where count == bytes.count: return .drained
        case .moved(let count):
            output.append(UnsafeRawBufferPointer(rebasing: bytes[count...]), pool: pool)
            return output.flush(state.pointee.descriptor, pool: pool)
        case .wouldBlock:
            output.append(bytes, pool: pool)
            return .blocked
        case .end: return .failed(EPIPE)
        case .failed(let code): return .failed(code)
        }
    }

    func takeNewSession() -> OpaquePointer? {
        defer { state.pointee.newSession = nil }
        return state.pointee.newSession
    }
}
