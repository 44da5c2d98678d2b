internal import HTTP
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

/// An exchange's way to its target: the place of its service, the connection, the head, and what happens when it fails.
extension Exchange {
    /// Takes one of the service's places, or waits for one. While the service is paused it takes none: places are for those who run. Whoever
    /// was held has waited for its turn already: the queue's bounds are not for it.
    func admit(to service: Service) {
        self.service = service
        if let gate = service.pause { return hold(gate) }
        if service.admit() {
            holdsPlace = true
            times.admitted = worker.loop.now
            attempt(fieldsAreFresh: true)
        } else if service.state.enqueue(limit: holdDeadline == .never ? service.limits.queue : .max) {
            machine.wait()
            worker.queues.append(self, of: service)
            let timeout = worker.loop.now + service.limits.queueTimeout
            downstream?.setDeadline(holdDeadline == .never ? timeout : max(timeout, holdDeadline))
        } else {
            answer(503)
        }
    }

    /// A place has become free and was given to this exchange.
    func leaveQueue() {
        service?.state.dequeue()
        downstream?.clearDeadline()
        holdsPlace = true
        times.admitted = worker.loop.now
        attempt(fieldsAreFresh: false)
    }

    func queueTimedOut() {
        service?.state.dequeue()
        worker.queues.remove(self)
        answer(503, endedBy: .proxy, phase: .queue)
    }

    /// - Parameter fieldsAreFresh: the loop's field table holds this request's fields.
    func connect(to target: Target, fieldsAreFresh: Bool) {
        guard let stream = UpstreamStream.open(target, worker: worker, timeout: service?.timeouts.connect ?? .zero, fresh: hasRetriedFresh)
        else {
            return upstreamFailed(.connect)
        }
        upstream = stream
        stream.attach(self)
        if stream.isOpen { connected(fieldsAreFresh: fieldsAreFresh) }
    }

    func connected(fieldsAreFresh: Bool = false) {
        times.connected = worker.loop.now
        sendHead(fieldsAreFresh: fieldsAreFresh)
    }

    /// Sends the rewritten head, and what is here of the body, in one call.
    func sendHead(fieldsAreFresh: Bool) {
        guard let upstream, let downstream else { return }
        guard fieldsAreFresh || parseAgain() else { return answer(400) }
        var out = worker.headWriter()
        RequestRewriter.write(self, fields: worker.requestFields, to: &out)
        if out.isOverfull { return answer(431) }
        if upstream.isHTTP2 {
            guard upstream.request(out.bytes, ends: requestBody.isFinished && keptBody == nil) else { return upstreamFailed(.refused) }
            out.rewind(to: 0)
        }
        machine.sentHead()
        hasSent = true
        if let keptBody {
            sendAgain(keptBody, behind: &out)
        } else if requestBody.isFinished {
            upstream.sendMore(out.bytes)
        } else if let block = downstream.transport.takeInput() {
            guard relayRequestBody(&out, block) else { return }
        } else {
            upstream.sendMore(out.bytes)
        }
        if upstream.hasWriteFailed { hasSent = false }
        if requestBody.isFinished { return requestSent() }
        upstream.awaitBody()
        downstream.expectBody()
        // The read that brought the head may not have emptied the socket: no edge will tell of what is there already.
        relayRequest()
    }

    /// The request's last byte was handed over: from now on the target's time runs.
    func requestSent() {
        guard isInUse, let upstream, let service else { return }
        if case .requesting = machine.state { upstream.awaitResponse(service.timeouts.responseHeader) }
    }

    // MARK: - Failure

    /// The attempt failed on the upstream's side; tries again where `RetryRule` allows, else tells the client.
    func upstreamFailed(_ failure: ExchangeMachine.UpstreamFailure) {
        let decision = retryDecision(failure)
        // Whoever leaves, or has enough for now, has not failed (RFC 9113 §6.8, §8.7); nor who got less time than it may take.
        dropUpstream(failed: failure != .refused && failure != .callDeadline)
        switch machine.upstreamFailed(failure, mayRetry: decision != .fail) {
        case .none: break
        case .chooseAgain:
            if failure == .refused { refusals &+= 1 } else { attempts &+= 1 }
            if decision == .retryFresh { hasRetriedFresh = true }
            attempt(fieldsAreFresh: false)
        case .answer(let status): answer(status, endedBy: ExchangeMachine.endedBy(failure), phase: failedPhase(failure))
        case .cut: cut(ExchangeMachine.endedBy(failure))
        }
    }

    private func failedPhase(_ failure: ExchangeMachine.UpstreamFailure) -> ExchangePhase {
        switch failure {
        case .connect, .connectTimeout: .connect
        case .stalled: .requestBody
        case .closedBeforeResponse, .refused, .malformed, .responseTimeout, .cutResponse, .drainDeadline,
            .callDeadline:
            requestBody.isFinished ? .responseHead : .requestBody
        }
    }

    private func retryDecision(_ failure: ExchangeMachine.UpstreamFailure) -> RetryRule.Decision {
        var known = RetryRule.Exchange(
            attemptsUsed: Int(attempts) - (hasRetriedFresh ? 1 : 0), attemptsAllowed: service?.retryAttempts ?? 0,
            hasRetriedFresh: hasRetriedFresh, isIdempotent: head.method.isIdempotent, isReplayable: !hasStreamedBody)
        known.refusals = Int(refusals)
        switch failure {
        case .connect, .connectTimeout: return RetryRule.decide(.connectFailed, known)
        case .closedBeforeResponse:
            if response.interimCount > 0 { return .fail }
            return RetryRule.decide(.diedUnanswered(reused: isReused, sent: hasSent), known)
        case .refused: return RetryRule.decide(.unprocessed, known)
        case .responseTimeout: return RetryRule.decide(.responseTimedOut, known)
        case .malformed, .cutResponse, .stalled, .drainDeadline, .callDeadline: return .fail
        }
    }

    /// Lets the upstream connection go: it is not fit for another exchange.
    func dropUpstream(failed: Bool) {
        if let target, failed { worker.counters.counted(target, failed: true) }
        upstream?.close()
        upstream = nil
    }
}
