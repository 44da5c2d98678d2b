internal import HTTP
internal import Net

/// The beginning of a request's body, kept while its target may still send it back unprocessed: servers of HTTP/2 do so in the ordinary
/// course of things (GOAWAY, REFUSED_STREAM), and a call of gRPC always has a body. Bodies beyond a bound are not kept, and fail then.
extension Exchange {
    private static let keptLimit = 64 * 1024

    /// Copies what is about to leave. False when it could not be sent again.
    func keepBody(_ block: Block, _ taken: MessageBody.Taken) -> Bool {
        guard upstream?.isHTTP2 == true, taken.trailers.isEmpty else {
            dropKeptBody()
            return false
        }
        let known = keptBody?.count ?? 0
        guard known + taken.produced <= Self.keptLimit else {
            dropKeptBody()
            return false
        }
        let part = UnsafeRawBufferPointer(rebasing: block.bytes[..<taken.produced])
        if let keptBody, keptBody.room >= part.count {
            keptBody.append(part)
            return true
        }
        // With room for the framing that another target may want.
        let larger = worker.buffers.take(Block.headroom + max(known * 2, known + part.count) + Block.tailroom)
        larger.reset(at: Block.headroom)
        if let keptBody { larger.append(keptBody.bytes) }
        larger.append(part)
        dropKeptBody()
        keptBody = larger
        return true
    }

    /// The target has answered, or nobody asks any more.
    func dropKeptBody() {
        if let keptBody { worker.buffers.give(keptBody) }
        keptBody = nil
    }

    /// Another attempt: what the last one had sent goes to the new target, behind the head in `out`, if that is still there.
    func sendAgain(_ body: Block, behind out: inout HeadWriter) {
        guard let upstream else { return }
        let again = worker.buffers.take(Block.headroom + body.count + Block.tailroom)
        again.reset(at: Block.headroom)
        again.append(body.bytes)
        let all = MessageBody.Taken(produced: body.count, consumed: body.count)
        let isLast = requestBody.isFinished
        if upstream.isHTTP2 {
            _ = upstream.forward(again, all)
            if isLast { upstream.endBody() }
        } else {
            // Sent to a target that may have begun with it: from now on it is gone.
            hasStreamedBody = true
            _ = upstream.forward(&out, again, all, framing: head.framing == .chunked ? .chunks(isLast: isLast) : .plain)
        }
    }
}
