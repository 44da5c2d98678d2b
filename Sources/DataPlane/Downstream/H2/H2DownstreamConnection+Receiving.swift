internal import HTTP
internal import Net

/// Bytes of a client into the session, and what comes of them to its streams.
extension H2DownstreamConnection {
    /// Reads of one turn, and requests begun in it, before other connections get theirs.
    private static let readsPerTurn = 4
    private static let requestsPerTurn = 64

    func readFrames() {
        var (reads, requests) = (0, 0)
        while state == .open, transport.isReadable || transport.input != nil {
            if reads == Self.readsPerTurn || requests >= Self.requestsPerTurn { return worker.loop.resumeNextTurn(registration) }
            reads += 1
            guard let block = transport.takeInput() ?? read() else { break }
            receive(block, &requests)
        }
        clock.heard = worker.loop.now
        if state == .open { watchHead() }
    }

    // MARK: - Private

    private func read() -> Block? {
        let block = worker.h2.input
        block.reset()
        switch transport.read(into: block, limit: Transport.cautiousRelaySize) {
        case .moved: return block
        case .wouldBlock: return nil
        case .end, .failed:
            close()
            return nil
        }
    }

    /// Gives the session what `block` holds; what is too much for this turn waits.
    private func receive(_ block: Block, _ requests: inout Int) {
        while !block.isEmpty, state == .open, requests < Self.requestsPerTurn {
            do throws(H2Error) {
                let taken = try session.receive(block.bytes, now: worker.loop.now)
                handleEvents(of: block.bytes, &requests)
                block.consume(taken)
            } catch {
                // The GOAWAY waits in the session. Who does not read it is not worth waiting for.
                block.consume(block.count)
                if transport.isClear { wake() } else { close() }
            }
        }
        wakeIfNeeded()
        let isShared = block === worker.h2.input
        if !block.isEmpty, state == .open {
            if isShared { transport.keep(copyOf: block.bytes, worker) } else { transport.input = block }
        } else if !isShared {
            worker.buffers.give(block)
        }
    }

    /// - Parameter bytes: what the session was given; the events' ranges are of it.
    private func handleEvents(of bytes: UnsafeRawBufferPointer, _ requests: inout Int) {
        var next = session.nextEvent()
        while let event = next {
            if case .request(let handle, let head) = event {
                requests += 1
                clock.greeting = .never
                next = begin(handle, head, bytes)
            } else {
                handle(event, bytes)
                next = session.nextEvent()
            }
        }
    }

    /// What sending has caused; no content among it.
    func handleEvents() {
        while let event = session.nextEvent() { handle(event, UnsafeRawBufferPointer(start: nil, count: 0)) }
    }

    private func handle(_ event: H2Event, _ bytes: UnsafeRawBufferPointer) {
        switch event {
        case .data(let handle, let range):
            if let stream = stream(handle) { stream.take(content(range, bytes)) } else { session.consume(handle, range.count) }
        case .trailers(let handle, let head): stream(handle)?.keepTrailers(session.heads[head], session.heads)
        case .end(let handle): stream(handle)?.requestEnds()
        case .closed(let handle, _, byPeer: _): closed(handle)
        case .settings: clock.greeting = .never
        case .pong: clock.pong = .never
        case .goAway, .request, .interim, .response: break
        }
    }

    /// Begins a request with what else is here of it, so that it goes on in one call.
    /// - Returns: the next event, which is another's.
    private func begin(_ handle: H2Stream, _ index: Int, _ bytes: UnsafeRawBufferPointer) -> H2Event? {
        let stream = open(handle)
        let head = session.heads[index]
        stream.keepHead(head, session.heads)
        var next = session.nextEvent()
        while let event = next {
            switch event {
            case .data(handle, let range): stream.transport.take(content(range, bytes), worker)
            case .trailers(handle, let head): stream.keepTrailers(session.heads[head], session.heads)
            case .end(handle): stream.transport.end()
            // Taken back in the same breath: no target hears of it.
            case .closed(handle, _, byPeer: _):
                closed(handle)
                return session.nextEvent()
            default:
                stream.start()
                return event
            }
            next = session.nextEvent()
        }
        stream.start()
        return nil
    }

    private func content(_ range: ByteRange, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        precondition(range.start <= range.end && Int(range.end) <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}
