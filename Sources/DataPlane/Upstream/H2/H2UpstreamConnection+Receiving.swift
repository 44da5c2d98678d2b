internal import HTTP
internal import Net

/// Bytes of the target: to the session, its events to the streams, and then the streams' news to the exchanges.
extension H2UpstreamConnection {
    /// Reads that it may have in a turn before other connections get theirs.
    private static let readsPerTurn = 8

    func receive() {
        var reads = 0
        while transport.isReadable, state == .ready || state == .retiring {
            if reads == Self.readsPerTurn { return worker.loop.resumeNextTurn(registration) }
            reads += 1
            let block = worker.freshReadBlock()
            switch transport.read(into: block, limit: transport.relaySize) {
            case .moved(let count):
                times.heard(now: worker.loop.now)
                guard take(block.bytes) else { return ended() }
                transport.adaptRelaySize(lastRead: count, peerKeptUp: true)
                tell()
            case .wouldBlock: return
            case .end, .failed: return lost()
            }
        }
    }

    /// False when the peer broke the rules: the connection is over, but for the word that tells it so.
    private func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // A reset may have left some.
        noteEvents(of: UnsafeRawBufferPointer(start: nil, count: 0))
        var rest = bytes
        while !rest.isEmpty {
            guard let count = try? session.receive(rest, now: worker.loop.now) else { return false }
            noteEvents(of: rest)
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        if session.wantsToSend { gather() }
        return true
    }

    private func ended() {
        noteEvents(of: UnsafeRawBufferPointer(start: nil, count: 0))
        sayGoodbye()
        lost()
    }

    /// - Parameter bytes: those that were given to the session last.
    func noteEvents(of bytes: UnsafeRawBufferPointer) {
        while let event = session.nextEvent() {
            switch event {
            case .response(let handle, let head): stream(handle)?.responded(session.heads[head])
            case .interim(let handle, let head): stream(handle)?.informed(session.heads[head])
            case .data(let handle, let range):
                let data = UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
                if let stream = stream(handle) { stream.received(data) } else { session.consume(handle, data.count) }
            case .trailers(let handle, let head): stream(handle)?.trailed(session.heads[head])
            case .end(let handle): stream(handle)?.ended()
            case .closed(let handle, let code, let byPeer): stream(handle)?.closed(code, byPeer: byPeer)
            case .goAway: retire()
            case .settings: settingsCame()
            case .pong: times.answered()
            // A client is sent none.
            case .request: break
            }
        }
    }

    /// Tells the exchanges what has come. Each may end, begin anew, or take another stream of this connection meanwhile.
    func tell() {
        if owesNews, state == .ready {
            owesNews = false
            tellWaiting()
        }
        var index = 0
        while index < touched.count, state != .closed {
            let stream = streams[Int(touched[index])]
            index += 1
            stream.tell()
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func stream(_ handle: H2Stream) -> H2UpstreamStream? {
        let index = Int(handle.user)
        guard index < streams.count, streams[index].handle == handle else { return nil }
        return streams[index]
    }

    private func settingsCame() {
        worker.h2Upstreams.learned(session.peerStreams, of: target)
        knowsSettings = true
        owesNews = true
    }
}
