internal import HTTP
internal import Telemetry

/// Life of one exchange after its head is complete. Pure: no socket, no clock, no log. `LIFECYCLE.md` draws it.
struct ExchangeMachine {
    enum State {
        /// Not in use. Next: `.held`, `.queued`, `.connecting`, `.answering`.
        case free
        /// Waits for the end of its service's pause; nothing is claimed. Next: `.queued`, `.connecting`, `.answering`, `.ended`.
        case held
        /// Waits for a place of its service. Next: `.held`, `.connecting`, `.answering`, `.ended`.
        case queued
        /// Has a lease, wants a connection; nothing was sent. Next: `.requesting`, `.connecting` (another target), `.held`, `.answering`,
        /// `.ended`.
        case connecting
        /// The head went upstream; no byte of the response has gone downstream. Next: `.responding`, `.tunnel`, `.connecting` (retry),
        /// `.answering`, `.ended`.
        case requesting
        /// The response head went downstream: there is no way back. Next: `.ended`.
        case responding
        /// Upgraded: bytes both ways. Next: `.ended`.
        case tunnel
        /// We answer ourselves. Next: `.ended`.
        case answering
        /// Outcome known; only late news arrives here. Next: `.free`.
        case ended
    }

    /// What went wrong on the upstream's side.
    enum UpstreamFailure {
        /// The connect was refused, unreachable, reset; or there was no descriptor for it.
        case connect
        case connectTimeout
        /// The connection ended before the first byte of a response. `sent`: bytes of the request had been handed to the kernel.
        case closedBeforeResponse
        /// HTTP/2: the target says that it has done nothing with the request (REFUSED_STREAM, or above the last stream of its GOAWAY).
        case refused
        /// The response's head or framing is against the rules, or larger than the limit.
        case malformed
        case responseTimeout
        /// It broke off inside the response.
        case cutResponse
        /// It takes no bytes, or sends none, inside a body.
        case stalled
        /// An operator's deadline for leases on a leaving target.
        case drainDeadline
        /// The client waits no longer: it has said so in its request.
        case callDeadline
    }

    enum Action: Equatable {
        case none
        /// Choose again under the current epoch.
        case chooseAgain
        /// Answer with this status.
        case answer(UInt16)
        /// Break the downstream connection off: what it has must not look whole.
        case cut
    }

    private(set) var state = State.free

    var phase: ExchangePhase {
        switch state {
        case .free, .ended, .answering: .done
        case .held: .held
        case .queued: .queue
        case .connecting: .connect
        case .requesting: .responseHead
        case .responding: .responseBody
        case .tunnel: .tunnel
        }
    }

    /// The phase before `end`, for what ends it.
    private(set) var lastPhase = ExchangePhase.done

    /// The request may still be on its way upstream.
    var isSending: Bool {
        switch state {
        case .requesting, .responding: true
        case .free, .held, .queued, .connecting, .tunnel, .answering, .ended: false
        }
    }

    mutating func begin() { state = .connecting }
    mutating func hold() { state = .held }
    mutating func wait() { state = .queued }
    mutating func choose() { state = .connecting }
    mutating func sentHead() { state = .requesting }
    mutating func respond() { state = .responding }
    mutating func upgrade() { state = .tunnel }
    mutating func answer() { state = .answering }
    mutating func end() { state = .ended }
    mutating func free() { state = .free }

    /// - Parameter mayRetry: what `RetryRule` says of this failure.
    mutating func upstreamFailed(_ failure: UpstreamFailure, mayRetry: Bool) -> Action {
        switch state {
        case .connecting, .requesting:
            if mayRetry {
                state = .connecting
                return .chooseAgain
            }
            state = .answering
            return .answer(Self.status(for: failure))
        case .responding, .tunnel:
            lastPhase = phase
            state = .ended
            return .cut
        case .free, .held, .queued, .answering, .ended:
            return .none
        }
    }

    /// 502: the upstream broke; 503: no target; 504: too slow (DESIGN §5.4).
    static func status(for failure: UpstreamFailure) -> UInt16 {
        switch failure {
        case .connectTimeout, .responseTimeout, .stalled, .callDeadline: 504
        case .connect, .closedBeforeResponse, .malformed, .cutResponse: 502
        case .drainDeadline, .refused: 503
        }
    }

    static func endedBy(_ failure: UpstreamFailure) -> EndedBy {
        switch failure {
        case .connectTimeout, .responseTimeout, .stalled, .callDeadline: .upstreamTimeout
        case .connect, .closedBeforeResponse, .refused, .malformed, .cutResponse: .upstream
        case .drainDeadline: .operator
        }
    }
}
