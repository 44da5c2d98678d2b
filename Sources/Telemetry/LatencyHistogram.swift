/// Counts of durations in buckets that grow with the value: within 1.6 % of the truth from a microsecond to an hour and more, in 7 KiB,
/// whatever the traffic. A value: one per loop, merged when read. `record` is a shift and an addition.
package struct LatencyHistogram: Sendable, Equatable {
    /// Buckets within each doubling: 2⁵ of them bound the error to half of 1/32.
    private static let precisionBits = 5
    private static let linear = 1 << precisionBits
    /// 2³² µs, 71 minutes: longer ones count in the last bucket.
    private static let rangeBits = 32
    static let bucketCount = linear * (rangeBits - precisionBits + 1)

    private var counts = [UInt64](repeating: 0, count: LatencyHistogram.bucketCount)
    /// Values recorded.
    package private(set) var count: UInt64 = 0
    /// Their sum in microseconds, wrapping after half a million years.
    package private(set) var sum: UInt64 = 0
    /// The greatest of them in microseconds, exact.
    package private(set) var maximum: UInt64 = 0

    package init() {}

    /// - Parameter microseconds: below zero counts as zero (a clock that was set back).
    package mutating func record(microseconds: Int64) {
        let value = UInt64(max(microseconds, 0))
        counts[LatencyHistogram.bucket(of: value)] &+= 1
        count &+= 1
        sum &+= value
        if value > maximum { maximum = value }
    }

    package mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
        count &+= other.count
        sum &+= other.sum
        maximum = max(maximum, other.maximum)
    }

    /// The microseconds that a share of the values did not exceed: `quantile(0.99)` is the p99. The middle of its bucket, never above
    /// `maximum`. nil when nothing was recorded.
    /// - Parameter share: brought into 0...1.
    package func quantile(_ share: Double) -> UInt64? {
        guard count > 0 else { return nil }
        let wanted = Double(count) * min(max(share, 0), 1)
        let rank = max(UInt64(wanted.rounded(.up)), 1)
        var seen: UInt64 = 0
        for index in counts.indices {
            seen &+= counts[index]
            if seen >= rank { return min(LatencyHistogram.middle(of: index), maximum) }
        }
        return maximum
    }

    // MARK: - Private

    /// Values under 32 have a bucket each; above, the five bits under the leading one choose among the buckets of that doubling.
    static func bucket(of value: UInt64) -> Int {
        if value < UInt64(linear) { return Int(value) }
        let clipped = min(value, (1 << rangeBits) - 1)
        let shift = 63 - clipped.leadingZeroBitCount - precisionBits
        return shift << precisionBits + Int(clipped >> UInt64(shift))
    }

    static func middle(of bucket: Int) -> UInt64 {
        if bucket < linear { return UInt64(bucket) }
        let shift = bucket >> precisionBits - 1
        let low = UInt64(bucket - shift << precisionBits) << UInt64(shift)
        return low + (1 << UInt64(shift)) / 2
    }
}
