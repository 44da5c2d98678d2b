internal import HTTP
internal import Net

/// How a body's bytes go out on the other shore.
enum OutgoingFraming {
    case plain
    case chunks(isLast: Bool)
}

/// What both shores do alike when bytes are passed on to them.
protocol Shore: AnyObject {
    var transport: Transport { get set }
    var worker: Worker { get }
    /// True when all of it is with the kernel; a failure has been dealt with.
    func judge(_ progress: WriteQueue.Progress) -> Bool
    /// Asks for another turn: an edge will not come again.
    func resumeNextTurn()
    /// HTTP/2: so many bytes that came have been used.
    func consumed(_ count: Int)
    /// No more bytes from our side. False when that has to wait until what is queued has left.
    func shutdownWrite() -> Bool
}

extension Shore {
    /// Up to this size a body part is copied behind the head, so that both leave in one plain call.
    private static var mergeLimit: Int { 16 * 1024 }

    /// Sends what `out` holds, then the `taken.produced` bytes at the front of `block`, framed. Chunk framing is written in place, around the
    /// bytes in the block. The block is used up. False when the shore holds something back.
    func forward(_ out: inout HeadWriter, _ block: Block, _ taken: MessageBody.Taken, framing: OutgoingFraming) -> Bool {
        let before = out.count
        if case .chunks(let isLast) = framing { ChunkFraming.putEnd(&out, block.bytes, taken, isLast: isLast) }
        block.truncate(by: block.count - taken.produced)
        if case .chunks = framing, taken.produced > 0 { ChunkFraming.putSize(block) }
        if out.count - before <= block.room {
            block.append(UnsafeRawBufferPointer(rebasing: out.bytes[before...]))
            out.rewind(to: before)
            return send(&out, block)
        }
        // A trailer section that does not fit behind the data.
        let end = UnsafeRawBufferPointer(rebasing: out.bytes[before...])
        let head = UnsafeRawBufferPointer(rebasing: out.bytes[..<before])
        defer { worker.giveBack(block) }
        return judge(transport.send(head, block.bytes, pool: worker.buffers)) && judge(transport.send(end, pool: worker.buffers))
    }

    /// HTTP/2: sends the body bytes at the front of `block`, which is used up; frames are the connection's business.
    func forward(_ block: Block, _ taken: MessageBody.Taken) -> Bool {
        block.truncate(by: block.count - taken.produced)
        return send(block)
    }

    /// Head, then block, in one call.
    private func send(_ out: inout HeadWriter, _ block: Block) -> Bool {
        if out.count == 0 { return send(block) }
        defer { worker.giveBack(block) }
        if block.count <= Self.mergeLimit {
            out.put(block.bytes)
            return judge(transport.send(out.bytes, pool: worker.buffers))
        }
        return judge(transport.send(out.bytes, block.bytes, pool: worker.buffers))
    }

    /// Sends a block, which is used up: the output queue takes it over, or it goes back.
    func send(_ block: Block) -> Bool {
        guard !block.isEmpty else {
            worker.giveBack(block)
            return transport.isClear
        }
        let (progress, tookBlock) = transport.send(block, pool: worker.buffers)
        if tookBlock { worker.replaceIfTaken(block) } else { worker.giveBack(block) }
        return judge(progress)
    }
}

/// Chunk framing (RFC 9112 §7.1) of the bytes in a block.
enum ChunkFraming {
    /// Writes the size line into the block's headroom.
    static func putSize(_ block: Block) {
        let size = UInt64(block.count)
        let digits = max(1, (67 - size.leadingZeroBitCount) / 4)
        let line = block.extendFront(by: digits + 2)
        var rest = size
        for index in stride(from: digits - 1, through: 0, by: -1) {
            let nibble = UInt8(truncatingIfNeeded: rest) & 15
            line[index] = nibble < 10 ? 48 + nibble : 87 + nibble
            rest >>= 4
        }
        line[digits] = 13
        line[digits + 1] = 10
    }

    /// The end of the data, and of the body, into `out`: trailers are copied before the block's tail is written over.
    static func putEnd(_ out: inout HeadWriter, _ bytes: UnsafeRawBufferPointer, _ taken: MessageBody.Taken, isLast: Bool) {
        if taken.produced > 0 { out.put("\r\n") }
        guard isLast else { return }
        putLast(&out, bytes, taken.trailers)
    }

    /// The last chunk, with trailers that are lines of their own.
    static func putLast(_ out: inout HeadWriter, trailers: UnsafeRawBufferPointer) {
        putLast(&out, trailers, ByteRange(start: 0, end: UInt32(clamping: trailers.count)))
    }

    private static func putLast(_ out: inout HeadWriter, _ bytes: UnsafeRawBufferPointer, _ trailers: ByteRange) {
        out.put("0\r\n")
        if !trailers.isEmpty {
            var lines = TrailerLines(bytes, trailers)
            while let line = lines.next() {
                if line.mayBeForwarded { out.put(line.line, of: bytes) }
            }
        }
        out.put("\r\n")
    }
}
