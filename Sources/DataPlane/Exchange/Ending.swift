internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// How exchanges end: whole, by an answer of ours, or broken off. Every way goes through `finish`.
extension Exchange {
    /// The last byte of the response is sent or queued.
    func finishResponse() {
        guard let downstream else { return }
        let isWhole = requestBody.isFinished
        let closes = response.closesDownstream || !isWhole
        upstream?.detach(reusable: response.upstreamPersists && isWhole)
        upstream = nil
        finish(endedBy: .nobody, phase: .done)
        downstream.exchangeEnded(close: closes, linger: !isWhole)
    }

    /// The proxy answers by itself.
    func answer(_ status: UInt16, endedBy: EndedBy = .proxy, phase: ExchangePhase = .done) {
        let phase = phase == .done && endedBy != .nobody ? (times.admitted == .never ? .requestHead : .queue) : phase
        takeBodyInHand(status)
        var out = worker.headWriter()
        let closes = Answer.closes(self, status)
        Answer.write(status, of: self, closes: closes, to: &out)
        complete(out, status: status, closes: closes, endedBy: endedBy, phase: phase)
    }

    /// The answer that the route itself gives.
    func answerByRoute() {
        guard let route else { return }
        if head.wantsUpgrade, downstream?.isHTTP2 == true, case .respond = route.action { return answer(501) }
        takeBodyInHand(200)
        var out = worker.headWriter()
        let closes = Answer.closes(self, 200)
        let status = Answer.write(route.action, of: self, closes: closes, to: &out)
        complete(out, status: status, closes: closes, endedBy: .nobody, phase: .done)
    }

    /// The answer of a listener that serves nothing without TLS.
    func answer(redirectingTo port: UInt16) {
        takeBodyInHand(308)
        var out = worker.headWriter()
        let closes = Answer.closes(self, 308)
        Answer.writeRedirectToTLS(port: port, of: self, closes: closes, to: &out)
        complete(out, status: 308, closes: closes, endedBy: .nobody, phase: .done)
    }

    /// A request whose whole body has come already leaves its connection in step: the next request stands behind it. After a framing error,
    /// a body that is too long or too late, nothing is in step any more.
    private func takeBodyInHand(_ status: UInt16) {
        guard status != 400, status != 408, status != 413, !requestBody.isFinished, let downstream,
            let block = downstream.transport.takeInput()
        else { return }
        if let taken = try? requestBody.take(block.mutableBytes, limits: worker.settings.limits) { block.consume(taken.consumed) }
        downstream.transport.keep(block, worker)
    }

    private func complete(_ out: HeadWriter, status: UInt16, closes: Bool, endedBy: EndedBy, phase: ExchangePhase) {
        guard let downstream else { return }
        dropUpstream(failed: false)
        machine.answer()
        response.status = status
        times.bytesOut &+= UInt64(out.count)
        downstream.sendAnswer(out.bytes)
        let linger = !requestBody.isFinished || headBlock == nil
        finish(endedBy: endedBy, phase: phase)
        downstream.exchangeEnded(close: closes, linger: linger)
    }

    /// What the client has must not look whole.
    func cut(_ who: EndedBy) {
        guard let downstream else { return }
        let phase = machine.lastPhase
        let isCall = downstream.isHTTP2 && GRPCAnswer.isWanted(self)
        dropUpstream(failed: false)
        finish(endedBy: who, phase: phase)
        if isCall { downstream.cutCall() } else { downstream.cut() }
    }

    /// The client has gone away, or does not take bytes any more: nobody is there to answer.
    func clientGone(_ who: EndedBy = .client) {
        guard let downstream else { return }
        let phase = requestBody.isFinished || isHeld ? machine.phase : .requestBody
        leaveQueueIfWaiting()
        dropUpstream(failed: false)
        finish(endedBy: who, phase: phase)
        downstream.close()
    }

    /// The client has shut its writing side after the whole request: it may wait for its answer, or be gone; TCP does not say.
    func clientHalfClosed() {
        switch machine.state {
        case .held, .queued, .connecting, .requesting: downstream?.setDeadline(after: LoopSettings.halfCloseGrace)
        case .free, .responding, .tunnel, .answering, .ended: break
        }
    }

    func downstreamDeadlineReached() {
        guard let downstream else { return }
        if downstream.isBroken { return clientGone() }
        if !downstream.transport.isClear { return clientGone(.clientTimeout) }
        switch machine.state {
        case .held: if downstream.transport.isPeerClosed { clientGone() } else { holdTimedOut() }
        case .queued: if downstream.transport.isPeerClosed { clientGone() } else { queueTimedOut() }
        case .connecting: if downstream.transport.isPeerClosed { clientGone() }
        case .requesting:
            if requestBody.isFinished {
                if downstream.transport.isPeerClosed { clientGone() }
            } else if let upstream, !upstream.acceptsBytes {
                upstreamFailed(.stalled)
            } else {
                answer(408, endedBy: .clientTimeout, phase: .requestBody)
            }
        case .responding: if !requestBody.isFinished { cut(.clientTimeout) }
        case .tunnel: endTunnel(.clientTimeout)
        case .free, .answering, .ended: break
        }
    }

    /// The loop ends.
    func abandon() {
        leaveQueueIfWaiting()
        dropUpstream(failed: false)
        finish(endedBy: .operator, phase: machine.lastPhase)
    }

    // MARK: - Private

    private func leaveQueueIfWaiting() {
        leaveHold()
        if case .queued = machine.state {
            service?.state.dequeue()
            worker.queues.remove(self)
        }
    }

    /// Logs, counts, gives the lease back and makes the object ready for the next: the one way out.
    func finish(endedBy: EndedBy, phase: ExchangePhase) {
        worker.counters.counted(response.status)
        if isTunnel { worker.counters.tunnels -= 1 }
        if worker.log.format != .off { log(endedBy, phase) }
        // A failed attempt was counted when it failed.
        if let target, response.status > 0, times.firstByte != .never { worker.counters.counted(target, failed: false) }
        // A tunnel's time says nothing of the target's.
        if let pool, response.status >= 200 { worker.counters.took(worker.loop.now - times.begin, in: pool) }
        releaseClaims()
        if let headBlock { worker.buffers.give(headBlock) }
        dropKeptBody()
        reset()
        worker.give(self)
    }

    /// Gives back target and place, once; whoever waits for the place is told.
    func releaseClaims() {
        guard let service else { return }
        if let lease = lease.take() {
            lease.release()
        } else if holdsPlace {
            service.state.leave()
        }
        if holdsPlace, service.state.queuedCount > 0 { worker.placeFreed(of: service) }
        holdsPlace = false
    }
}
