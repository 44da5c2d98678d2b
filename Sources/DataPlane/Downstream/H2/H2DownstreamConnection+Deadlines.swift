internal import HTTP
internal import Net
internal import Routing

/// The moments that a connection waits for, `.never` where there is nothing to wait for.
struct H2ConnectionClock {
    /// The first SETTINGS or request.
    var greeting: Instant
    /// The end of a header block.
    var head = Instant.never
    /// A peer that takes bytes.
    var blocked = Instant.never
    /// The next request of a connection without streams.
    var quiet: Instant
    /// When it gives back what it does not need without streams.
    var rest = Instant.never
    /// The answer to a PING.
    var pong = Instant.never
    /// When the last PING was sent.
    var pinged = Instant(nanoseconds: 0)
    /// The answer to the PING of a drain.
    var finishDrain = Instant.never
    /// When bytes came last.
    var heard: Instant
    let born: Instant
    /// Between 0.9 and 1.1: connections that came together do not go together.
    let jitter: Double
    /// The loop drains, and a tunnel holds the connection.
    var wantsDrain = false

    /// How long the last GOAWAY waits for the answer to the PING behind the first.
    static let drainGrace = TimeSpan.milliseconds(1000)
    /// Without streams for so long, it rests.
    static let wakefulness = TimeSpan.milliseconds(1000)

    init(now: Instant, greeting: TimeSpan, quiet: TimeSpan) {
        self.greeting = now + greeting
        self.quiet = now + quiet
        heard = now
        born = now
        jitter = Double.random(in: 0.9...1.1)
    }
}

extension H2DownstreamConnection {
    /// The connection's one deadline is `instant` at the latest.
    func arm(_ instant: Instant) {
        if instant < worker.loop.deadline(registration) { worker.loop.setDeadline(registration, instant) }
    }

    /// A header block that has begun must end; nothing else can come on the connection meanwhile.
    func watchHead() {
        guard session.isInHead else {
            clock.head = .never
            return
        }
        guard clock.head == .never else { return }
        clock.head = worker.loop.now + worker.settings.requestHeader
        arm(clock.head)
    }

    /// There are streams again: whoever waits for them must be there.
    func watchSilence() {
        let interval = worker.snapshot.http2.pingInterval
        if interval.nanoseconds > 0 { arm(worker.loop.now + interval) }
    }

    /// The last stream has gone.
    func fellQuiet() {
        guard state == .open else { return }
        if clock.wantsDrain { return drain() }
        clock.quiet = worker.loop.now + worker.settings.keepalive
        clock.rest = worker.loop.now + H2ConnectionClock.wakefulness
        arm(min(clock.quiet, clock.rest))
    }

    /// Does what is due and waits for what comes next.
    func checkClock() {
        let now = worker.loop.now
        if clock.pong <= now {
            // Other bytes are an answer, too; and behind bytes that wait the PING has not left.
            guard clock.heard > clock.pinged || !transport.isClear else { return close() }
            clock.pong = .never
        }
        if clock.blocked <= now {
            transport.breakOff()
            return close()
        }
        if clock.greeting <= now || clock.head <= now { return close() }
        if clock.finishDrain <= now {
            clock.finishDrain = .never
            session.finishDrain()
            wake()
        }
        if streamCount == 0 {
            if clock.quiet <= now {
                clock.quiet = .never
                drain()
            }
            if clock.rest <= now { rest() }
        }
        if isOld(now) { drain() }
        worker.loop.setDeadline(registration, nextMoment(now))
    }

    // MARK: - Private

    private func nextMoment(_ now: Instant) -> Instant {
        var next = min(clock.greeting, clock.head, clock.blocked)
        next = min(next, clock.pong, clock.finishDrain)
        if streamCount == 0 { return min(min(next, clock.quiet), min(clock.rest, endOfAge)) }
        return min(next, nextPing(now), endOfAge)
    }

    /// Sends a PING when the client has been silent for its time; streams may be silent for good reasons, their connection must be there.
    private func nextPing(_ now: Instant) -> Instant {
        let bounds = worker.snapshot.http2
        guard bounds.pingInterval.nanoseconds > 0, clock.pong == .never else { return .never }
        let due = clock.heard + bounds.pingInterval
        guard due <= now else { return due }
        _ = session.ping()
        clock.pinged = now
        clock.pong = now + bounds.pingTimeout
        wake()
        return clock.pong
    }

    var endOfAge: Instant {
        guard !session.isDraining, !clock.wantsDrain else { return .never }
        let age = (worker.snapshot.listener(named: client.socket.listener) ?? client.policy).maxConnectionAge
        guard age.nanoseconds > 0 else { return .never }
        return clock.born + TimeSpan(nanoseconds: Int64(Double(age.nanoseconds) * clock.jitter))
    }

    private func isOld(_ now: Instant) -> Bool { endOfAge <= now }

    /// Gives back what only traffic needs.
    private func rest() {
        clock.rest = .never
        session.trim()
        for stream in spare { stream.retire() }
        spare = []
        streams = []
        served = []
    }
}
