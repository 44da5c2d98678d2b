internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// Both bodies of an exchange, pulled: a side is read only while the other takes what it is given. Nothing is held but one read's rest.
///
/// A block is either the loop's warm read buffer or was somebody's `input`; whoever works on it owns it (`input` is nil meanwhile), and it ends
/// in an output queue, back in the pool, or as the kept rest.
extension Exchange {
    /// Reads that one side may have in a turn before other connections get theirs.
    private static let readsPerTurn = 8

    // MARK: - Request body

    /// Moves request body from the client to the upstream until one of them has no more to give or take. Goes on beside a response that
    /// began early (RFC 9112 §9.5).
    func relayRequest() {
        guard let downstream else { return }
        let mine = serial
        var reads = 0
        while serial == mine, machine.isSending, !requestBody.isFinished, let upstream, upstream.acceptsBytes {
            let block: Block
            if let input = downstream.transport.takeInput() {
                block = input
            } else {
                guard downstream.transport.isReadable else { return }
                if reads == Self.readsPerTurn { return downstream.resumeNextTurn() }
                reads += 1
                block = worker.freshReadBlock()
            }
            if block.isEmpty || downstream.needsMoreInput {
                guard downstream.readBody(into: block) else { return }
            }
            var out = worker.headWriter()
            guard relayRequestBody(&out, block) else { return }
            if requestBody.isFinished { return requestSent() }
            downstream.expectBody()
        }
    }

    /// Sends what `block` holds of the request body behind what `out` holds; the block is used up. False when the exchange has ended over it.
    func relayRequestBody(_ out: inout HeadWriter, _ block: Block) -> Bool {
        guard let upstream, let downstream else { return false }
        let taken: MessageBody.Taken
        do throws(HTTPError) {
            taken = try requestBody.take(block.mutableBytes, limits: worker.settings.limits)
        } catch {
            refuseBody(error.status, by: .client)
            return false
        }
        times.bytesIn &+= UInt64(taken.consumed)
        if downstream.isHTTP2 {
            downstream.consumed(taken.consumed)
            // Its end is known: it goes with these bytes.
            if downstream.transport.hasEnded, downstream.trailers.isEmpty { requestBody.endOfInput() }
        }
        let limit = worker.settings.bodyBytes
        if limit > 0, requestBody.received > limit {
            refuseBody(413, by: .proxy)
            return false
        }
        if taken.consumed < block.count {
            downstream.transport.keep(copyOf: UnsafeRawBufferPointer(rebasing: block.bytes[taken.consumed...]), worker)
        }
        downstream.needsMoreInput = taken.consumed < block.count && !requestBody.isFinished
        if taken.consumed > 0, !hasStreamedBody { hasStreamedBody = !keepBody(block, taken) }
        let keepsUp: Bool
        if upstream.isHTTP2 {
            if requestBody.isFinished { upstream.keepTrailers(slice(taken.trailers, of: block.bytes)) }
            keepsUp = upstream.forward(block, taken)
            if requestBody.isFinished { upstream.endBody() }
        } else {
            keepsUp = upstream.forward(
                &out, block, taken, framing: head.framing == .chunked ? .chunks(isLast: requestBody.isFinished) : .plain)
        }
        downstream.transport.adaptRelaySize(lastRead: taken.consumed, peerKeptUp: keepsUp)
        return true
    }

    /// HTTP/2: the client's stream has ended behind what was relayed, perhaps with trailers.
    func requestEnded() {
        guard let downstream, let upstream, !requestBody.isFinished else { return }
        requestBody.endOfInput()
        if upstream.isHTTP2 {
            upstream.keepTrailers(downstream.trailers)
            upstream.endBody()
        } else if head.framing == .chunked {
            var out = worker.headWriter()
            ChunkFraming.putLast(&out, trailers: downstream.trailers)
            upstream.sendMore(out.bytes)
        }
        requestSent()
    }

    private func refuseBody(_ status: UInt16, by who: EndedBy) {
        if case .requesting = machine.state { answer(status, endedBy: who, phase: .requestBody) } else { cut(who) }
    }

    // MARK: - Response

    /// Moves the response from the upstream to the client until one of them has no more to give or take.
    func relayResponse() {
        guard let downstream else { return }
        let mine = serial
        var reads = 0
        while serial == mine, let upstream, upstream.transport.isReadable,
            downstream.transport.isClear || upstream.transport.holdsOnlyEnd
        {
            if reads == Self.readsPerTurn { return upstream.resumeNextTurn() }
            reads += 1
            let block = upstream.transport.blockForReading(worker)
            switch upstream.transport.read(into: block, limit: upstream.transport.relaySize) {
            case .moved(let count): takeResponse(block, lastRead: count)
            case .wouldBlock: return upstream.transport.keep(block, worker)
            case .end: return upstreamEnded(cleanly: true, leaving: block)
            case .failed: return upstreamEnded(cleanly: false, leaving: block)
            }
        }
    }

    private func takeResponse(_ block: Block, lastRead: Int) {
        if times.firstByte == .never { times.firstByte = worker.loop.now }
        switch machine.state {
        case .requesting: takeResponseHead(block, lastRead: lastRead)
        case .responding:
            var out = worker.headWriter()
            relayResponseBody(&out, block, lastRead: lastRead)
        case .free, .held, .queued, .connecting, .tunnel, .answering, .ended: worker.giveBack(block)
        }
    }

    /// Sends what `block` holds of the response body behind what `out` holds; the block is used up.
    func relayResponseBody(_ out: inout HeadWriter, _ block: Block, lastRead: Int) {
        guard let upstream, let downstream else { return worker.giveBack(block) }
        let taken: MessageBody.Taken
        do throws(HTTPError) {
            taken = try responseBody.take(block.mutableBytes, limits: worker.settings.limits)
        } catch {
            worker.giveBack(block)
            return upstreamFailed(.malformed)
        }
        if upstream.isHTTP2, upstream.transport.hasEnded, upstream.trailers.isEmpty { responseBody.endOfInput() }
        let isLast = responseBody.isFinished
        if taken.consumed < block.count {
            if isLast {
                response.upstreamPersists = false  // bytes nobody asked for: out of step
            } else {
                upstream.transport.keep(copyOf: UnsafeRawBufferPointer(rebasing: block.bytes[taken.consumed...]), worker)
            }
        }
        times.bytesOut &+= UInt64(out.count + taken.produced)
        startResponse(downstream)
        if upstream.isHTTP2 { upstream.consumed(taken.consumed) }
        let keepsUp: Bool
        if downstream.isHTTP2 {
            keepsUp = relayAsStream(out, block, taken, to: downstream)
        } else {
            keepsUp = downstream.forward(
                &out, block, taken, framing: response.isChunkedDownstream ? .chunks(isLast: isLast) : .plain)
        }
        upstream.transport.adaptRelaySize(lastRead: lastRead, peerKeptUp: keepsUp)
        if isLast { return finishResponse() }
        upstream.setDeadline(after: idleTimeout)
        if !keepsUp { downstream.awaitWritable() }
    }

    /// - Parameter out: the response's head, if it has not gone yet.
    private func relayAsStream(_ out: HeadWriter, _ block: Block, _ taken: MessageBody.Taken, to downstream: DownstreamStream) -> Bool {
        let isLast = responseBody.isFinished
        let isEmpty = taken.produced == 0 && taken.trailers.isEmpty
        if out.count > 0 { downstream.respond(out.bytes, ends: isLast && isEmpty) }
        // The trailers lie in the block, behind the body: they are read before the block goes.
        if isLast, !taken.trailers.isEmpty { downstream.keepTrailers(slice(taken.trailers, of: block.bytes)) }
        let keepsUp = downstream.forward(block, taken)
        if isLast { downstream.endBody() }
        return keepsUp
    }

    private func upstreamEnded(cleanly: Bool, leaving block: Block) {
        let isPartial = !block.isEmpty
        worker.giveBack(block)
        switch machine.state {
        case .requesting: upstreamFailed(isPartial || times.firstByte != .never ? .cutResponse : .closedBeforeResponse)
        case .responding:
            guard cleanly, responseBody.endsWithConnection else { return upstreamFailed(.cutResponse) }
            responseBody.endOfInput()
            response.upstreamPersists = false
            releaseClaims()
            endResponse(trailers: upstream?.trailers ?? UnsafeRawBufferPointer(start: nil, count: 0))
            finishResponse()
        case .connecting: upstreamFailed(.connect)
        case .free, .held, .queued, .tunnel, .answering, .ended: break
        }
    }

    /// The upstream has told the end of a body that had no length; `trailers` are lines of HTTP/1.1.
    private func endResponse(trailers: UnsafeRawBufferPointer) {
        guard let downstream else { return }
        if downstream.isHTTP2 {
            downstream.keepTrailers(trailers)
            downstream.endBody()
        } else if response.isChunkedDownstream {
            var out = worker.headWriter()
            ChunkFraming.putLast(&out, trailers: trailers)
            times.bytesOut &+= UInt64(out.count)
            downstream.sendCopy(out.bytes)
        }
    }

    // MARK: - What the shores say

    /// The upstream has taken what was queued for it.
    func upstreamDrained() {
        if requestBody.isFinished { return requestSent() }
        downstream?.expectBody()
        relayRequest()
    }

    /// The client has taken what was queued for it.
    func downstreamDrained() {
        if case .responding = machine.state { upstream?.setDeadline(after: idleTimeout) }
        relayResponse()
    }

    func upstreamDeadlineReached() {
        if worker.loop.now >= leaseDeadline { return leaseDeadlineReached() }
        switch machine.state {
        case .requesting: upstreamFailed(requestBody.isFinished ? .responseTimeout : .stalled)
        case .responding:
            // A client that does not read has its own deadline.
            if let downstream, !downstream.transport.isClear {
                upstream?.setDeadline(after: idleTimeout)
            } else {
                upstreamFailed(.stalled)
            }
        case .tunnel: endTunnel(.upstreamTimeout)
        case .free, .held, .queued, .connecting, .answering, .ended: break
        }
    }

    var idleTimeout: TimeSpan { service?.timeouts.idle ?? worker.settings.idle }
}
