/// May this exchange, after this failure, be tried again? Nothing is ever done twice that a client did not ask for twice (RFC 9110 §9.2.2).
package enum RetryRule {
    /// What went wrong with an attempt.
    package enum Failure: Sendable, Equatable {
        /// The connect was refused, reset, unreachable or out of time: the target saw nothing of the request.
        case connectFailed
        /// A connection broke before the first byte of a response.
        /// - Parameters:
        ///   - reused: it had been idle before: the target may have closed it while we wrote (RFC 9112 §9.3.1).
        ///   - sent: bytes of the request were handed to the kernel; whether the target read them, nobody knows.
        case diedUnanswered(reused: Bool, sent: Bool)
        /// The target says that it has not begun with it and will not (RFC 9113 §8.7): any request may go anywhere.
        case unprocessed
        /// The whole request is with the target and no response came in time.
        case responseTimedOut
        /// A byte of the response was read: the target has acted on the request.
        case responseBegun
    }

    /// What is known of the exchange.
    package struct Exchange: Sendable, Equatable {
        /// Further attempts made so far. Not counted: `.retryFresh`.
        package var attemptsUsed: Int
        /// Further attempts that the service grants.
        package var attemptsAllowed: Int
        /// Whether `.retryFresh` was taken before.
        package var hasRetriedFresh: Bool
        package var isIdempotent: Bool
        /// All of the request, head and body, can still be sent from its first byte: nothing of the body was streamed on and let go.
        package var isReplayable: Bool
        /// How often targets have sent it back unprocessed.
        package var refusals: Int = 0

        package init(attemptsUsed: Int, attemptsAllowed: Int, hasRetriedFresh: Bool, isIdempotent: Bool, isReplayable: Bool) {
            self.attemptsUsed = attemptsUsed
            self.attemptsAllowed = attemptsAllowed
            self.hasRetriedFresh = hasRetriedFresh
            self.isIdempotent = isIdempotent
            self.isReplayable = isReplayable
        }
    }

    package enum Decision: Sendable, Equatable {
        /// Choose again under the current epoch, leaving out the target that failed.
        case retryElsewhere
        /// Dial a new connection, to the same target or another one; no idle connection may be taken.
        case retryFresh
        case fail
    }

    /// Targets that all send it back must not pass it round for ever.
    package static let refusalLimit = 8

    package static func decide(_ failure: Failure, _ exchange: Exchange) -> Decision {
        switch failure {
        case .connectFailed:
            // The target saw nothing, so neither method nor body matter.
            return exchange.attemptsUsed < exchange.attemptsAllowed && exchange.isReplayable ? .retryElsewhere : .fail
        case .diedUnanswered(reused: true, let sent):
            // A race that keep-alive brings with it, not a sign of trouble: it costs no attempt, and happens at most once as the next one is fresh.
            guard !exchange.hasRetriedFresh, exchange.isReplayable else { return .fail }
            return exchange.isIdempotent || !sent ? .retryFresh : .fail
        case .diedUnanswered(reused: false, let sent):
            // A target that takes a request on a new connection and drops it may have been brought down by it: the next one should live.
            guard !sent, exchange.isReplayable else { return .fail }
            return exchange.attemptsUsed < exchange.attemptsAllowed ? .retryElsewhere : .fail
        case .unprocessed:
            return exchange.isReplayable && exchange.refusals < refusalLimit ? .retryElsewhere : .fail
        case .responseTimedOut:
            // The target is most likely still at work on it. Not even an idempotent request goes out again: it would double the load on a
            // service that is too slow already, and the client has waited as long as it was to wait.
            return .fail
        case .responseBegun: return .fail
        }
    }
}
