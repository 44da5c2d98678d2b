package import Net

/// Judges how a peer uses its connection: what costs us work and gains nobody anything is rationed by time credits. Pure: no clock, no
/// I/O. Known attacks and their bucket: rapid reset (CVE-2023-44487) and its turn-about where the peer makes *us* reset
/// (CVE-2025-8671): `resets`; the floods of CVE-2019-9511 to 9518: `control`, `empty`, `windows`; CONTINUATION (CVE-2024-27316) and
/// HPACK bombs: counted within each header block.
package struct H2Guard: Sendable {
    package enum Offence: UInt8, Equatable, Sendable {
        case resets, controlFrames, emptyFrames, windowUpdates, continuations, headerBomb, acknowledgements
    }

    private var resets: H2Credit
    private var control: H2Credit
    private var empty: H2Credit
    private var windows: H2Credit
    private var continuations = 0
    /// Payload bytes sent that have not yet earned the peer a WINDOW_UPDATE.
    private var unearned: UInt64 = 0
    private let maximumContinuations: Int

    /// Bytes of DATA that give cause for one WINDOW_UPDATE more: peers open two windows every few KiB.
    private static let bytesPerUpdate: UInt64 = 512

    package init(_ limits: H2Limits, now: Instant) {
        resets = H2Credit(limits.resets, now: now)
        control = H2Credit(limits.controlFrames, now: now)
        empty = H2Credit(limits.emptyFrames, now: now)
        windows = H2Credit(limits.windowUpdates, now: now)
        maximumContinuations = limits.continuations
    }

    /// A frame header came in.
    ///
    /// - Returns: nil when it may be handled.
    package mutating func receive(_ frame: H2FrameHeader, now: Instant) -> Offence? {
        if frame.type != H2FrameHeader.continuation { continuations = 0 }
        switch frame.type {
        case H2FrameHeader.data:
            guard frame.length <= frame.padding, !frame.has(H2FrameHeader.endStream) else { return nil }
            return empty.take(now: now) ? nil : .emptyFrames
        case H2FrameHeader.headers:
            return nil
        case H2FrameHeader.resetStream:
            return resets.take(now: now) ? nil : .resets
        case H2FrameHeader.windowUpdate:
            return windows.take(now: now) ? nil : .windowUpdates
        case H2FrameHeader.continuation:
            continuations += 1
            return continuations <= maximumContinuations ? nil : .continuations
        default:
            // Acknowledgements among them: each PING of ours has paid for its own (`sentPing`).
            return control.take(now: now) ? nil : .controlFrames
        }
    }

    /// We reset a stream for what the peer did on it.
    package mutating func peerCausedReset(now: Instant) -> Offence? { resets.take(now: now) ? nil : .resets }

    /// DATA left for the peer, which will open its windows for it, and may measure its way with a PING (gRPC does with each).
    package mutating func sent(payload bytes: Int) {
        control.give(1)
        unearned &+= UInt64(clamping: bytes)
        windows.give(unearned / Self.bytesPerUpdate)
        unearned %= Self.bytesPerUpdate
    }

    /// A PING of ours gives cause for its acknowledgement.
    package mutating func sentPing() { control.give(1) }

    /// A request gives cause for a WINDOW_UPDATE or two, however small its response.
    package mutating func openedStream() { windows.give(2) }
}

/// A bucket of credits that fills with time.
package struct H2Credit: Sendable {
    private let rate: H2Rate
    /// In billionths of one credit.
    private var level: UInt64
    private var filled: Instant

    private static let one: UInt64 = 1_000_000_000
    private var capacity: UInt64 { UInt64(rate.burst) * Self.one }

    package init(_ rate: H2Rate, now: Instant) {
        self.rate = rate
        filled = now
        level = UInt64(rate.burst) * Self.one
    }

    /// False when there is none left.
    package mutating func take(now: Instant) -> Bool {
        if now > filled {
            let span = UInt64(clamping: (now - filled).nanoseconds)
            let (gain, overflow) = span.multipliedReportingOverflow(by: UInt64(rate.perSecond))
            level = overflow ? capacity : min(capacity, level.addingReportingOverflow(gain).overflow ? capacity : level + gain)
            filled = now
        }
        guard level >= Self.one else { return false }
        level -= Self.one
        return true
    }

    mutating func give(_ credits: UInt64) {
        guard credits > 0 else { return }
        let (gain, overflow) = credits.multipliedReportingOverflow(by: Self.one)
        let (sum, overflowed) = level.addingReportingOverflow(gain)
        level = overflow || overflowed ? capacity : min(capacity, sum)
    }
}
