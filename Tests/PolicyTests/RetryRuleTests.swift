import Policy
import Testing

@Suite("RetryRule")
struct RetryRuleTests {
    private static let failures: [RetryRule.Failure] = [
        .connectFailed, .diedUnanswered(reused: true, sent: false), .diedUnanswered(reused: true, sent: true),
        .diedUnanswered(reused: false, sent: false), .diedUnanswered(reused: false, sent: true), .unprocessed, .responseTimedOut,
        .responseBegun,
    ]

    private func exchange(
        used: Int = 0, allowed: Int = 1, fresh: Bool = false, idempotent: Bool = true, replayable: Bool = true
    ) -> RetryRule.Exchange {
        RetryRule.Exchange(
            attemptsUsed: used, attemptsAllowed: allowed, hasRetriedFresh: fresh, isIdempotent: idempotent, isReplayable: replayable)
    }

    @Test("a connect that failed goes elsewhere, whatever the method, as long as there are attempts")
    func connectFailed() {
        for idempotent in [true, false] {
            #expect(RetryRule.decide(.connectFailed, exchange(idempotent: idempotent)) == .retryElsewhere)
            #expect(RetryRule.decide(.connectFailed, exchange(used: 1, idempotent: idempotent)) == .fail)
            #expect(RetryRule.decide(.connectFailed, exchange(allowed: 0, idempotent: idempotent)) == .fail)
        }
    }

    @Test("a reused connection that died costs no attempt and is retried fresh, once")
    func reusedDied() {
        #expect(RetryRule.decide(.diedUnanswered(reused: true, sent: true), exchange(allowed: 0)) == .retryFresh)
        #expect(RetryRule.decide(.diedUnanswered(reused: true, sent: true), exchange(fresh: true)) == .fail)
        #expect(RetryRule.decide(.diedUnanswered(reused: true, sent: false), exchange(idempotent: false)) == .retryFresh)
    }

    @Test("a POST that may have reached the target is never sent twice")
    func nonIdempotent() {
        for failure in Self.failures {
            let decision = RetryRule.decide(failure, exchange(allowed: 9, idempotent: false))
            switch failure {
            case .connectFailed, .diedUnanswered(reused: false, sent: false), .unprocessed: #expect(decision == .retryElsewhere)
            case .diedUnanswered(reused: true, sent: false): #expect(decision == .retryFresh)
            case .diedUnanswered(_, sent: true), .responseTimedOut, .responseBegun: #expect(decision == .fail)
            }
        }
    }

    @Test("a request that its target sent back unprocessed goes elsewhere without an attempt, and not for ever")
    func unprocessed() {
        var known = exchange(used: 1, allowed: 0, idempotent: false)
        #expect(RetryRule.decide(.unprocessed, known) == .retryElsewhere)
        known.refusals = RetryRule.refusalLimit
        #expect(RetryRule.decide(.unprocessed, known) == .fail)
    }

    @Test("a body that was streamed on and let go cannot be sent again")
    func notReplayable() {
        for failure in Self.failures { #expect(RetryRule.decide(failure, exchange(allowed: 9, replayable: false)) == .fail) }
    }

    @Test("a request that a fresh connection took and dropped, that timed out, or that was being answered is not tried again")
    func finalFailures() {
        for failure in [RetryRule.Failure.diedUnanswered(reused: false, sent: true), .responseTimedOut, .responseBegun] {
            #expect(RetryRule.decide(failure, exchange(allowed: 9)) == .fail)
        }
    }
}
