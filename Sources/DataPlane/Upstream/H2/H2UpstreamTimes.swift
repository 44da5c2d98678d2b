internal import HTTP
internal import Net
internal import Routing

/// What the clock has to do with an HTTP/2 connection to a target. Pure.
///
/// Silence while streams are open is asked about by PING; who does not answer is lost. A peer that answers and has nothing to say is asked
/// again after five minutes at the earliest: servers of gRPC close connections that are asked more often without cause.
struct H2UpstreamTimes {
    /// Connection and handshake together; `.never` when they are through.
    var connectBy: Instant
    private(set) var lastHeard: Instant
    /// Since when it has had streams, without a break.
    private var busySince: Instant
    private(set) var idleSince: Instant
    /// It has given back what an idle connection does not need.
    private var hasRested = false
    /// The kernel has taken nothing since then; `.never` while it takes what it gets.
    var blockedSince = Instant.never
    /// A PING is on its way.
    private(set) var pingedAt = Instant.never
    /// The last PING was answered, and nothing has come since.
    private var answeredAt = Instant.never

    /// Without streams for so long, it rests.
    private static let wakefulness = TimeSpan.milliseconds(1000)
    private static let pingPause = TimeSpan.milliseconds(305_000)

    enum Verdict: Equatable {
        case wait(until: Instant)
        case ping
        /// Idle for a while: it is to hold less.
        case rest
        /// Idle for long enough.
        case close
        case lost
    }

    init(now: Instant, connectBy: Instant) {
        self.connectBy = connectBy
        lastHeard = now
        busySince = now
        idleSince = now
    }

    mutating func busy(now: Instant) { busySince = now }

    mutating func idle(now: Instant) {
        idleSince = now
        hasRested = false
    }

    mutating func rested() { hasRested = true }

    /// Bytes came: the peer lives.
    mutating func heard(now: Instant) {
        lastHeard = now
        pingedAt = .never
    }

    mutating func pinged(now: Instant) { pingedAt = now }

    mutating func answered() { answeredAt = lastHeard }

    /// - Parameters:
    ///   - interval: of silence, before it is asked; zero = never.
    ///   - patience: for the answer.
    ///   - stall: for the kernel to take something.
    func judge(now: Instant, isIdle: Bool, keepalive: TimeSpan, interval: TimeSpan, patience: TimeSpan, stall: TimeSpan) -> Verdict {
        var next = Instant.never
        if connectBy != .never { return now >= connectBy ? .lost : .wait(until: connectBy) }
        if blockedSince != .never {
            next = blockedSince + stall
            if now >= next { return .lost }
        }
        if isIdle {
            let end = idleSince + keepalive
            if now >= end { return .close }
            let rest = hasRested ? .never : idleSince + Self.wakefulness
            return now >= rest ? .rest : .wait(until: min(next, min(end, rest)))
        }
        guard interval > .zero else { return .wait(until: next) }
        if pingedAt != .never {
            let end = pingedAt + patience
            return now >= end ? .lost : .wait(until: min(next, end))
        }
        let wasAnswered = answeredAt != .never && answeredAt == lastHeard
        let due = max(lastHeard, busySince) + (wasAnswered ? max(interval, Self.pingPause) : interval)
        return now >= due ? .ping : .wait(until: min(next, due))
    }
}

/// Deadlines are looked at when they come, not moved with each byte: the loop's timer may be early, never late.
extension H2UpstreamConnection {
    func arm() {
        guard case .wait(let until) = judgeTimes() else { return worker.loop.setDeadline(registration, worker.loop.now) }
        if until < worker.loop.deadline(registration) { worker.loop.setDeadline(registration, until) }
    }

    func deadlineReached() {
        guard state != .closed else { return }
        switch judgeTimes() {
        case .wait(let until): worker.loop.setDeadline(registration, until)
        case .ping:
            _ = session.ping()
            times.pinged(now: worker.loop.now)
            gather()
            arm()
        case .rest:
            session.trim()
            times.rested()
            arm()
        case .close: closeIdle()
        case .lost: lost(state == .connecting || state == .handshaking ? .connectTimeout : nil)
        }
    }

    private func judgeTimes() -> H2UpstreamTimes.Verdict {
        let bounds = worker.snapshot.http2
        return times.judge(
            now: worker.loop.now, isIdle: isIdle, keepalive: worker.settings.keepalive, interval: bounds.pingInterval,
            patience: bounds.pingTimeout, stall: worker.settings.idle)
    }
}
