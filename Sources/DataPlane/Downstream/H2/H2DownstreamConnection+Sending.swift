internal import HTTP
internal import Net

/// What session and streams have to say, in one call per turn.
extension H2DownstreamConnection {
    /// Calls of one turn before other connections get theirs.
    private static let sendsPerTurn = 4

    /// Something waits in the session: it goes when the turn ends.
    func wake() {
        guard !isGathering, state == .open || state == .leaving else { return }
        isGathering = true
        worker.loop.gatherUntilTurnEnds(registration)
    }

    func wakeIfNeeded() {
        if !isGathering, session.wantsToSend { wake() }
    }

    /// Hands on what the session wants to send, as far as the transport takes it: nothing is asked for while bytes wait there.
    func sendFrames() {
        isGathering = false
        var sends = 0
        while transport.isClear {
            if sends == Self.sendsPerTurn { return wake() }
            sends += 1
            let hasMore = session.send(into: worker.h2.output, budget: H2Scratch.budget, now: worker.loop.now)
            if worker.h2.output.count > 0, !sendOutput() { return close() }
            handleEvents()
            tellServed()
            guard state == .open || state == .leaving else { return }
            if !hasMore { break }
        }
        if session.isOver || session.isDrained { leave() }
    }

    /// The transport has room again.
    func flush() {
        switch transport.flush(pool: worker.buffers) {
        case .drained:
            clock.blocked = .never
            if state == .leaving { leave() } else { wake() }
        case .blocked: noteBlocked()
        case .failed: close()
        }
    }

    // MARK: - Private

    /// False when the connection has broken.
    private func sendOutput() -> Bool {
        let (output, block) = (worker.h2.output, worker.h2.sending)
        let wire = output.bytes
        block.reset()
        for piece in output.pieces {
            switch piece {
            case .wire(let range): block.append(UnsafeRawBufferPointer(rebasing: wire[Int(range.start)..<Int(range.end)]))
            case .payload(let handle, let count):
                // Frames that announce what is not there cannot be taken back.
                guard let stream = stream(handle), stream.movePayload(count, to: block) else { return false }
                if served.last !== stream { served.append(stream) }
            }
        }
        switch transport.send(block.bytes, pool: worker.buffers) {
        case .drained: break
        case .blocked: noteBlocked()
        case .failed: return false
        }
        return true
    }

    private func noteBlocked() {
        clock.blocked = worker.loop.now + worker.settings.idle
        arm(clock.blocked)
    }

    /// Streams whose queues have been shortened may have room for more.
    private func tellServed() {
        while let stream = served.popLast() { stream.payloadLeft() }
    }
}
