internal import Glibc

/// A point on the monotonic clock.
package struct Instant: Comparable, Sendable {
    package var nanoseconds: Int64
    package static var never: Instant { Instant(nanoseconds: .max) }

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func == (a: Instant, b: Instant) -> Bool { a.nanoseconds == b.nanoseconds }
    package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// Saturates: a deadline too far away is `.never`.
    package static func + (instant: Instant, span: TimeSpan) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(span.nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }

    package static func - (later: Instant, earlier: Instant) -> TimeSpan {
        TimeSpan(nanoseconds: later.nanoseconds &- earlier.nanoseconds)
    }
}

/// A length of time in one machine word; `Duration` is two, and its arithmetic shows per request.
package struct TimeSpan: Comparable, Sendable {
    package var nanoseconds: Int64
    package static var zero: TimeSpan { TimeSpan(nanoseconds: 0) }

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        nanoseconds = overflow || overflowed ? .max : sum
    }

    package var microseconds: Int64 { nanoseconds / 1000 }
    package static func milliseconds(_ count: Int64) -> TimeSpan { TimeSpan(nanoseconds: count * 1_000_000) }
    package static func == (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds == b.nanoseconds }
    package static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }
}

/// Where a loop reads the time, once per turn. Tests put a `ManualTime` here.
package protocol TimeSource: AnyObject {
    var monotonic: Instant { get }
    /// Nanoseconds since 1970.
    var wall: Int64 { get }
}

package final class SystemTime: TimeSource {
    package init() {}
    package var monotonic: Instant { Instant(nanoseconds: read(CLOCK_MONOTONIC)) }
    package var wall: Int64 { read(CLOCK_REALTIME) }

    private func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// A clock that moves when a test says so.
package final class ManualTime: TimeSource {
    package var monotonic = Instant(nanoseconds: 1_000_000_000)
    package var wall: Int64 = 0
    package init() {}
    package func advance(by duration: Duration) {
        monotonic = monotonic + TimeSpan(duration)
        wall += TimeSpan(duration).nanoseconds
    }
}
