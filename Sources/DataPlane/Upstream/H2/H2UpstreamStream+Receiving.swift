internal import HTTP
internal import Net
internal import Telemetry

/// What comes of the target for one stream: kept in its transport, until its connection has told all streams and lets them `tell`.
extension H2UpstreamStream {
    func informed(_ head: H2Head) { takeHead(head) }

    func responded(_ head: H2Head) {
        connection.hasServed = true
        hasResponse = true
        takeHead(head)
    }

    private func takeHead(_ head: H2Head) {
        guard let exchange else { return }
        // The longest lines of ours: a status line, an upgrade's fields, a length.
        let block = transport.input(with: head.lines.count + 256, worker)
        let written = webSocketAccept.withUnsafeBytes { accept in
            H1Writing.response(
                head, of: connection.session.heads, to: exchange.head.method, upgrades: asksForWebSocket, webSocketAccept: accept,
                into: block.space)
        }
        guard !head.isOverfull, let written else {
            failure = .malformed
            return touch()
        }
        block.filled(written)
        transport.isReadable = true
        touch()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard exchange != nil else {
            if let handle { connection.session.consume(handle, bytes.count) }
            return
        }
        transport.take(bytes, worker)
        touch()
    }

    func trailed(_ head: H2Head) {
        guard exchange != nil, trailerBlock == nil else { return }
        let block = worker.buffers.take(head.lines.count)
        guard let count = H1Writing.trailers(head, of: connection.session.heads, into: block.space) else {
            return worker.buffers.give(block)
        }
        block.filled(count)
        trailerBlock = block
    }

    func ended() {
        transport.end()
        touch()
    }

    /// - Parameter byPeer: false = for our reset.
    func closed(_ code: H2Code, byPeer: Bool) {
        phase = .over
        handle = nil
        isOpen = false
        guard let exchange else { return release() }
        // RFC 9113 §8.1: the response is whole, the rest of the request is not wanted.
        if !transport.hasEnded { fail(Self.failure(code, afterHead: hasResponse), exchange, isRace: false) }
        hasWriteFailed = true
        transport.output.removeAll(pool: worker.buffers)
        touch()
    }

    /// - Parameter reason: nil = it was ended by the peer, or broke.
    func connectionLost(_ reason: ExchangeMachine.UpstreamFailure?) {
        let former = phase
        guard former == .waiting || former == .open else { return }
        phase = .over
        handle = nil
        isOpen = false
        hasWriteFailed = true
        guard let exchange else { return release() }
        transport.output.removeAll(pool: worker.buffers)
        switch former {
        case .waiting: fail(reason ?? .connect, exchange, isRace: true)
        case .open where !transport.hasEnded: fail(hasResponse ? .cutResponse : .closedBeforeResponse, exchange, isRace: true)
        case .open, .over, .free: break
        }
        tell()
    }

    /// What came is the exchange's to hear.
    func tell() {
        isTouched = false
        guard let exchange else { return }
        if let failure {
            self.failure = nil
            if isTunnel { return breakTunnel(exchange) }
            return exchange.upstreamFailed(failure)
        }
        if isTunnel { exchange.moveTunnel() } else { exchange.relayResponse() }
    }

    // MARK: - Private

    /// - Parameter isRace: it may have been for a reason of the connection's, not of this request's.
    private func fail(_ failure: ExchangeMachine.UpstreamFailure, _ exchange: Exchange, isRace: Bool) {
        guard self.failure == nil else { return }
        if !isRace { exchange.isReused = false }
        self.failure = failure
    }

    private static func failure(_ code: H2Code, afterHead hasResponse: Bool) -> ExchangeMachine.UpstreamFailure {
        switch code {
        case .refusedStream where !hasResponse: .refused
        // The target's word that HTTP/2 will not do for this request, or one of ours that its answer was against the rules.
        case .http11Required, .protocolError: hasResponse ? .cutResponse : .malformed
        default: hasResponse ? .cutResponse : .closedBeforeResponse
        }
    }

    private func breakTunnel(_ exchange: Exchange) {
        exchange.tunnelEnds.upstream = .broken
        exchange.endTunnel(.upstream)
    }
}

extension Transport {
    /// The block that holds what came, with room for `count` bytes more.
    fileprivate mutating func input(with count: Int, _ worker: Worker) -> Block {
        let known = input?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0)
        if let input, input.room >= count + Block.tailroom { return input }
        let block = worker.buffers.take(Block.headroom + known.count + count + Block.tailroom)
        block.reset(at: Block.headroom)
        block.append(known)
        dropInput(worker)
        input = block
        return block
    }
}
