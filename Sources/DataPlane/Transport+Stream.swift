internal import Net

/// The transport of one HTTP/2 stream. Its connection appends what came to `input` and says `hasEnded`; it takes what is to go from `output`
/// when the windows allow. So an exchange deals with a stream as with a socket.
extension Transport {
    /// The connection has something for the reader: bytes of a body, or a head written as one of HTTP/1.1.
    mutating func take(_ bytes: UnsafeRawBufferPointer, _ worker: Worker) {
        isReadable = true
        if let input, input.room >= bytes.count + Block.tailroom {
            input.append(bytes)
            return
        }
        let known = input?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        // Doubled, so that a long body that waits is not copied again with each frame.
        let larger = worker.buffers.take(Block.headroom + max(known.count * 2, known.count + bytes.count) + Block.tailroom)
        larger.reset(at: Block.headroom)
        larger.append(known)
        larger.append(bytes)
        dropInput(worker)
        input = larger
    }

    /// There is nothing to read but the end, which takes no room on the other shore.
    var holdsOnlyEnd: Bool { kind == .stream && hasEnded && input == nil }

    /// The peer has nothing more to say.
    mutating func end() {
        hasEnded = true
        isReadable = true
    }

    /// `block` holds what was in `input`, if anything was: there is nothing more behind it but the end.
    mutating func readStream(into block: Block) -> Transfer {
        isReadable = hasEnded
        if !block.isEmpty { return .moved(block.count) }
        if hasEnded {
            isReadable = false
            return .end
        }
        return .wouldBlock
    }
}
