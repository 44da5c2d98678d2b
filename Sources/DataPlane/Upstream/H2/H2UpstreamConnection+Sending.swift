internal import HTTP
internal import Net
internal import Routing

/// What the session wants sent, at the end of the turn, all in one call: frames of its own, and the bodies that wait in the streams.
extension H2UpstreamConnection {
    /// Bytes asked of the session at once.
    private static let sendSize = 128 * 1024

    /// Something is to be sent, or looked after, when the turn ends.
    func gather() {
        guard !isGathering, state != .closed else { return }
        isGathering = true
        worker.loop.gatherUntilTurnEnds(registration)
    }

    func turnEnds() {
        isGathering = false
        guard state == .ready || state == .retiring else { return }
        send()
        guard state != .closed, isIdle else { return }
        if state == .retiring || !target.keepsIdleConnections || worker.isDraining { closeIdle() }
    }

    /// The writable edge.
    func flush() {
        switch transport.flush(pool: worker.buffers) {
        case .drained:
            times.blockedSince = .never
            send()
        case .blocked: break
        case .failed: writeFailed()
        }
    }

    /// Gives the kernel what there is, as long as it takes it.
    private func send() {
        while transport.isClear, !hasWriteFailed {
            let hasMore = session.send(into: worker.h2.output, budget: Self.sendSize, now: worker.loop.now)
            guard write(worker.h2.output) else { break }
            noteEvents(of: UnsafeRawBufferPointer(start: nil, count: 0))
            if !hasMore { break }
        }
        noteEvents(of: UnsafeRawBufferPointer(start: nil, count: 0))
        tellDrained()
        tell()
        if state != .closed, session.isOver { lost() }
    }

    /// The last word of a connection that nobody uses any more.
    func sayGoodbye() {
        session.beginDrain()
        guard transport.isClear, !hasWriteFailed else { return }
        _ = session.send(into: worker.h2.output, budget: Self.sendSize, now: worker.loop.now)
        _ = write(worker.h2.output)
        noteEvents(of: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    // MARK: - Private

    /// False when the kernel has not taken all of it.
    private func write(_ output: H2Output) -> Bool {
        guard output.count > 0 else { return true }
        if output.pieces.count == 1, case .wire(let range) = output.pieces[0] {
            return judge(transport.send(slice(output, range), pool: worker.buffers))
        }
        let block = worker.freshReadBlock()
        for piece in output.pieces {
            switch piece {
            case .wire(let range): block.append(slice(output, range))
            case .payload(let handle, let count): streams[Int(handle.user)].give(count, to: block)
            }
        }
        let (progress, tookBlock) = transport.send(block, pool: worker.buffers)
        if tookBlock { worker.replaceIfTaken(block) }
        return judge(progress)
    }

    private func slice(_ output: H2Output, _ range: ByteRange) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: output.bytes[Int(range.start)..<Int(range.end)])
    }

    private func judge(_ progress: WriteQueue.Progress) -> Bool {
        switch progress {
        case .drained: return true
        case .blocked:
            times.blockedSince = worker.loop.now
            arm()
            return false
        case .failed:
            writeFailed()
            return false
        }
    }

    /// What the peer sent before it went is still worth reading: answers, and a GOAWAY that says which requests it has not touched.
    private func writeFailed() {
        transport.output.removeAll(pool: worker.buffers)
        hasWriteFailed = true
        transport.isPeerClosed = true
        transport.isReadable = true
        worker.loop.resumeNextTurn(registration)
    }

    /// Those whose bodies have left may bring more.
    private func tellDrained() {
        var index = 0
        while index < drained.count, state != .closed {
            let stream = streams[Int(drained[index])]
            index += 1
            stream.tellDrained()
        }
        drained.removeAll(keepingCapacity: true)
    }
}
