import Glibc
internal import Net
internal import TLS

/// One channel of bytes with what is owed to it: unread input (an edge is told once) and unsent output. Both shores have one.
///
/// The two debts of edge-triggered epoll live here: `isReadable` stays true until a read came back short or empty, so a reader that stops
/// (back-pressure, fairness, its turn has not come) must come back by itself; `output` is flushed on the writable edge. With TLS a third:
/// plaintext and records that OpenSSL holds (`Transport+TLS.swift`). A stream of HTTP/2 has no socket of its own: its connection puts what
/// came into `input` and takes what is to go from `output` (`Transport+Stream.swift`).
struct Transport {
    enum Kind: UInt8 { case socket, tls, stream }

    /// What one read may bring while it is not known whether the other side keeps up.
    static let firstRelaySize = 256 * 1024
    /// After the other side could not keep up.
    static let cautiousRelaySize = 64 * 1024
    static let greatestRelaySize = 512 * 1024
    /// What is left of a relay read below this size is copied; above it, the whole block changes hands.
    private static let copyLimit = 64 * 1024

    /// -1 of a stream.
    let descriptor: Int32
    let kind: Kind
    /// Of kind `tls`.
    let session: TLSSession?
    var output = WriteQueue()
    /// What was read and could not be used yet: the beginning of a head or of a trailer section, body bytes before the upstream is there,
    /// pipelined requests.
    var input: Block?
    var isReadable = false
    /// The peer has shut its writing side, or the connection broke: reads go on until `.end`.
    var isPeerClosed = false
    /// A stream's peer has said that nothing follows what is in `input`.
    var hasEnded = false
    /// Records wait inside the TLS session for the writable edge.
    var owesRecords = false
    private var isBrokenOff = false
    var relaySize = Self.firstRelaySize

    /// - Parameter session: after its handshake; nil = plain bytes.
    init(descriptor: Int32, session: TLSSession? = nil) {
        self.descriptor = descriptor
        self.session = session
        kind = session == nil ? .socket : .tls
    }

    private init() {
        descriptor = -1
        session = nil
        kind = .stream
    }

    /// Of a stream of HTTP/2.
    static var stream: Transport { Transport() }

    /// Nothing that was given to it waits here: whoever feeds it may go on.
    var isClear: Bool { output.count == 0 && !owesRecords }

    /// Notes what the kernel said.
    mutating func note(_ readiness: Readiness) {
        if readiness.tellsOfInput { isReadable = true }
        if readiness.tellsOfEnd { isPeerClosed = true }
    }

    /// Reads behind the block's content, leaving its tailroom. A short read has emptied the socket: no second call is spent to hear EAGAIN,
    /// unless the end of input waits behind it.
    mutating func read(into block: Block, limit: Int) -> Transfer {
        let space = block.space
        let wanted = min(limit, space.count - Block.tailroom)
        guard kind == .socket else { return readElsewhere(block, wanted) }
        guard wanted > 0 else { return .wouldBlock }
        let transfer = Syscall.receive(descriptor, UnsafeMutableRawBufferPointer(rebasing: space[0..<wanted]))
        switch transfer {
        case .moved(let count):
            block.filled(count)
            if count < wanted && !isPeerClosed { isReadable = false }
        case .wouldBlock, .end, .failed: isReadable = false
        }
        return transfer
    }

    /// What waits in `input`, which is the caller's from now on.
    mutating func takeInput() -> Block? {
        let block = input
        input = nil
        return block
    }

    /// A block for the next read, the caller's from now on: what waits in `input`, with room behind it, else the loop's warm buffer.
    mutating func blockForReading(_ worker: Worker) -> Block {
        guard let block = takeInput() else { return worker.freshReadBlock() }
        if kind == .stream { return block }
        if block.room >= Block.tailroom + 2048 { return block }
        let larger = Self.copy(of: block.bytes, room: block.count, worker)
        worker.buffers.give(block)
        return larger
    }

    /// What `block` still holds waits for later: copied out of the loop's buffer, else the block itself.
    mutating func keep(_ block: Block, _ worker: Worker) {
        if block.isEmpty {
            worker.giveBack(block)
        } else if block === worker.readBlock {
            keep(copyOf: block.bytes, worker)
        } else {
            input = block
        }
    }

    mutating func keep(copyOf bytes: UnsafeRawBufferPointer, _ worker: Worker) {
        precondition(input == nil, "input is kept while other input is worked on")
        input = Self.copy(of: bytes, room: 0, worker)
    }

    mutating func dropInput(_ worker: Worker) {
        if let block = takeInput() { worker.buffers.give(block) }
    }

    private static func copy(of bytes: UnsafeRawBufferPointer, room: Int, _ worker: Worker) -> Block {
        let block = worker.buffers.take(Block.headroom + bytes.count + room + Block.tailroom + 2048)
        block.reset(at: Block.headroom)
        block.append(bytes)
        return block
    }

    /// Sends what the kernel takes now and keeps a copy of the rest.
    mutating func send(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) -> WriteQueue.Progress {
        guard kind == .socket else { return sendElsewhere(bytes, pool: pool) }
        guard output.isEmpty else {
            output.append(bytes, pool: pool)
            return .blocked
        }
        switch Syscall.send(descriptor, bytes) {
        case .moved(let count) where count == bytes.count: return .drained
        case .moved(let count):
            output.append(UnsafeRawBufferPointer(rebasing: bytes[count...]), pool: pool)
            return output.flush(descriptor, pool: pool)
        case .wouldBlock:
            output.append(bytes, pool: pool)
            return .blocked
        case .end: return .failed(EPIPE)
        case .failed(let code): return .failed(code)
        }
    }

    /// The same for two pieces in one call.
    mutating func send(_ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, pool: BufferPool) -> WriteQueue.Progress {
        guard kind == .socket, output.isEmpty, !second.isEmpty else {
            let progress = send(first, pool: pool)
            if case .failed = progress { return progress }
            return second.isEmpty ? progress : send(second, pool: pool)
        }
        let outcome = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vector in
            vector.initializeElement(at: 0, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: first.baseAddress), iov_len: first.count))
            vector.initializeElement(
                at: 1, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: second.baseAddress), iov_len: second.count))
            return Syscall.send(descriptor, gather: vector)
        }
        switch outcome {
        case .moved(let count):
            if count == first.count + second.count { return .drained }
            if count < first.count { output.append(UnsafeRawBufferPointer(rebasing: first[count...]), pool: pool) }
            output.append(UnsafeRawBufferPointer(rebasing: second[max(0, count - first.count)...]), pool: pool)
            return output.flush(descriptor, pool: pool)
        case .wouldBlock:
            output.append(first, pool: pool)
            output.append(second, pool: pool)
            return .blocked
        case .end: return .failed(EPIPE)
        case .failed(let code): return .failed(code)
        }
    }

    /// Sends a relay read. What the kernel does not take is copied when small; else the block itself is queued: `tookBlock`, and the caller
    /// must not touch it again.
    mutating func send(_ block: Block, pool: BufferPool) -> (progress: WriteQueue.Progress, tookBlock: Bool) {
        guard kind == .socket else { return (sendElsewhere(block.bytes, pool: pool), false) }
        guard output.isEmpty else {
            output.append(block.bytes, pool: pool)
            return (.blocked, false)
        }
        while true {
            switch Syscall.send(descriptor, block.bytes) {
            case .moved(let count):
                block.consume(count)
                if block.isEmpty { return (.drained, false) }
            case .wouldBlock:
                if block.count <= Self.copyLimit {
                    output.append(block.bytes, pool: pool)
                    return (.blocked, false)
                }
                output.append(block)
                return (.blocked, true)
            case .end: return (.failed(EPIPE), false)
            case .failed(let code): return (.failed(code), false)
            }
        }
    }

    mutating func flush(pool: BufferPool) -> WriteQueue.Progress {
        switch kind {
        case .socket: output.flush(descriptor, pool: pool)
        case .tls: flushRecords(pool: pool)
        case .stream: output.isEmpty ? .drained : .blocked
        }
    }

    /// Nothing more is sent: the peer reads the end of input behind what it has. False when that has to wait for the writable edge (then flush,
    /// and ask again).
    mutating func shutdownWrite() -> Bool {
        switch kind {
        case .socket: Syscall.shutdownWrite(descriptor)
        case .tls: return shutdownRecords()
        case .stream: break
        }
        return true
    }

    /// Closes the socket; with TLS, says so before, unless it was broken off.
    mutating func close() {
        if kind == .tls, !isBrokenOff { _ = session?.shutdown() }
        if kind != .stream { Syscall.close(descriptor) }
    }

    /// The next `close` breaks the connection off, so that what the peer has does not look whole.
    mutating func breakOff() {
        isBrokenOff = true
        if kind != .stream { Syscall.resetOnClose(descriptor) }
    }

    private mutating func readElsewhere(_ block: Block, _ wanted: Int) -> Transfer {
        kind == .tls ? readRecords(into: block, wanted) : readStream(into: block)
    }

    private mutating func sendElsewhere(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) -> WriteQueue.Progress {
        if kind == .tls { return sendRecords(bytes, pool: pool) }
        output.append(bytes, pool: pool)
        return output.isEmpty ? .drained : .blocked
    }

    /// Full reads that went out at once ask for greater ones; a blocked peer for small ones (DESIGN §6: bytes per call decide).
    mutating func adaptRelaySize(lastRead: Int, peerKeptUp: Bool) {
        if !peerKeptUp {
            relaySize = Self.cautiousRelaySize
        } else if lastRead >= relaySize {
            relaySize = min(relaySize * 2, Self.greatestRelaySize)
        }
    }
}
