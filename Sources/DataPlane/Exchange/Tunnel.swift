import Glibc
internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// After `101 Switching Protocols` (RFC 9110 §7.8): bytes both ways, each direction with its own end. A side is read only while the other takes
/// what it is given; the end of one side shuts the other's writing side and the other direction goes on.
extension Exchange {
    /// - Parameter block: what the upstream sent behind its 101; used up.
    func becomeTunnel(_ block: Block) {
        guard let downstream, let upstream else { return worker.giveBack(block) }
        machine.upgrade()
        downstream.becomeTunnel()
        upstream.becomeTunnel()
        worker.counters.tunnels += 1
        isTunnel = true
        if block.isEmpty { worker.giveBack(block) } else { _ = downstream.send(block) }
        if let early = downstream.transport.takeInput() {
            if downstream.isHTTP2 { downstream.consumed(early.count) }
            _ = upstream.send(early)
        }
        moveTunnel()
    }

    /// Something happened on one of the sides: moves what can be moved.
    func moveTunnel() {
        let mine = serial
        guard let downstream, let upstream else { return }
        move(from: downstream, to: upstream, ended: &tunnelEnds.client)
        guard serial == mine else { return }
        move(from: upstream, to: downstream, ended: &tunnelEnds.upstream)
        guard serial == mine else { return }
        if downstream.isBroken || upstream.hasWriteFailed { return endTunnel(downstream.isBroken ? .client : .upstream) }
        if tunnelEnds.client == .shut, tunnelEnds.upstream == .shut { return endTunnel(.nobody) }
        let quiet = service?.timeouts.tunnel ?? worker.settings.idle
        downstream.setDeadline(after: quiet)
        upstream.setDeadline(after: quiet)
    }

    private func move(from source: some Shore, to sink: some Shore, ended: inout TunnelEnd) {
        if !sink.transport.isClear, !sink.judge(sink.transport.flush(pool: worker.buffers)) { return }
        var reads = 0
        while ended == .open, source.transport.isReadable, sink.transport.isClear {
            if reads == 8 { return source.resumeNextTurn() }
            reads += 1
            let block = source.transport.blockForReading(worker)
            switch source.transport.read(into: block, limit: source.transport.relaySize) {
            case .moved(let count):
                if sink is DownstreamStream { times.bytesOut &+= UInt64(count) } else { times.bytesIn &+= UInt64(count) }
                if source.transport.kind == .stream { source.consumed(count) }
                let keepsUp = sink.send(block)
                source.transport.adaptRelaySize(lastRead: count, peerKeptUp: keepsUp)
            case .wouldBlock: return
            case .end: ended = .ended
            // Many clients of WebSocket end their TLS connection without a word: what they sent has its own end.
            case .failed(Transport.truncated): ended = .ended
            case .failed: ended = .broken
            }
        }
        if ended == .ended, sink.transport.isClear, sink.shutdownWrite() { ended = .shut }
    }

    func endTunnel(_ who: EndedBy) {
        guard let downstream else { return }
        let isBroken = tunnelEnds.client == .broken || tunnelEnds.upstream == .broken
        upstream?.close()
        upstream = nil
        finish(endedBy: who, phase: who == .nobody ? .done : .tunnel)
        if isBroken { downstream.cut() } else { downstream.close() }
    }
}

enum TunnelEnd { case open, ended, shut, broken }

struct TunnelEnds {
    var client = TunnelEnd.open
    var upstream = TunnelEnd.open
}
