@testable internal import DataPlane
internal import Net
internal import Testing

/// When an HTTP/2 connection to a target is asked whether it lives, and when it is given up: the clock alone, no socket.
@Suite struct H2UpstreamTimesTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: 5_000_000_000) + .milliseconds(milliseconds) }

    private func judge(_ times: H2UpstreamTimes, at moment: Int64, isIdle: Bool = false, interval: Int64 = 30_000)
        -> H2UpstreamTimes.Verdict
    {
        times.judge(
            now: at(moment), isIdle: isIdle, keepalive: .milliseconds(75_000), interval: .milliseconds(interval),
            patience: .milliseconds(10_000), stall: .milliseconds(60_000))
    }

    /// Connected at 0, with a stream.
    private var ready: H2UpstreamTimes {
        var times = H2UpstreamTimes(now: at(0), connectBy: at(3000))
        times.connectBy = .never
        times.busy(now: at(0))
        return times
    }

    @Test("connecting has its own limit, and no other")
    func connecting() {
        let times = H2UpstreamTimes(now: at(0), connectBy: at(3000))
        #expect(judge(times, at: 2999) == .wait(until: at(3000)))
        #expect(judge(times, at: 3000) == .lost)
    }

    @Test("silence with streams open is asked about; no byte in time and it is lost; any byte and it lives")
    func silence() {
        var times = ready
        #expect(judge(times, at: 29_999) == .wait(until: at(30_000)))
        #expect(judge(times, at: 30_000) == .ping)
        times.pinged(now: at(30_000))
        #expect(judge(times, at: 39_999) == .wait(until: at(40_000)))
        #expect(judge(times, at: 40_000) == .lost)
        times.heard(now: at(35_000))
        #expect(judge(times, at: 40_000) == .wait(until: at(65_000)))
    }

    @Test("who answers and stays silent is asked again after five minutes, after other bytes as at first")
    func patience() {
        var times = ready
        times.pinged(now: at(30_000))
        times.heard(now: at(30_010))
        times.answered()
        #expect(judge(times, at: 200_000) == .wait(until: at(30_010 + 305_000)))
        #expect(judge(times, at: 30_010 + 305_000) == .ping)
        times.heard(now: at(100_000))
        #expect(judge(times, at: 100_001) == .wait(until: at(130_000)))
    }

    @Test("without streams it is not asked, and closed when nobody has come for as long as connections are kept")
    func idle() {
        var times = ready
        times.idle(now: at(1000))
        times.rested()
        #expect(judge(times, at: 60_000, isIdle: true) == .wait(until: at(76_000)))
        #expect(judge(times, at: 76_000, isIdle: true) == .close)
        times.busy(now: at(70_000))
        #expect(judge(times, at: 76_000) == .wait(until: at(100_000)))
    }

    @Test("without streams for a second it rests, once for each time")
    func rest() {
        var times = ready
        times.idle(now: at(1000))
        #expect(judge(times, at: 1500, isIdle: true) == .wait(until: at(2000)))
        #expect(judge(times, at: 2000, isIdle: true) == .rest)
        times.rested()
        #expect(judge(times, at: 2000, isIdle: true) == .wait(until: at(76_000)))
        times.busy(now: at(3000))
        times.idle(now: at(4000))
        #expect(judge(times, at: 4000, isIdle: true) == .wait(until: at(5000)))
    }

    @Test("an interval of zero asks never")
    func never() { #expect(judge(ready, at: 10_000_000, interval: 0) == .wait(until: .never)) }

    @Test("a kernel that takes nothing for too long loses it, whatever else is due")
    func stalled() {
        var times = ready
        times.blockedSince = at(0)
        #expect(judge(times, at: 10_000, interval: 0) == .wait(until: at(60_000)))
        #expect(judge(times, at: 60_000) == .lost)
        #expect(judge(times, at: 60_000, isIdle: true) == .lost)
    }
}
