/// Which pool a user's key belongs to: weighted rendezvous hashing in integers alone, so that every node and every build decides alike.
///
/// Each pool draws a number from the key, −log2 of a hash taken as a fraction of one, and the pool with the greatest weight per number wins:
/// a race of exponential clocks, so a pool's share of all keys is its share of the weights, down to one in a million. A key goes from pool a to
/// pool b only when b's weight has grown in proportion to a's. So raising one pool's weight only adds users to it, whatever their number and
/// the number of pools; going back brings the same users back; a pool without weight gets nobody and changes nothing.
///
/// Immutable; a choice allocates nothing.
package struct StickySplit: Sendable {
    private struct Share: Sendable {
        var pool: Int
        var weight: UInt64
        var seed: UInt64
    }

    /// Pools that have a weight.
    private let shares: [Share]
    private let hash: StickyHash

    /// - Parameters:
    ///   - service, pools: names, which decide for each key; the order of pools does not.
    ///   - weights: for each of `pools`, in proportion to each other.
    package init(service: String, pools: [String], weights: [UInt32]) {
        let hash = StickyHash(service: service)
        self.hash = hash
        shares = zip(pools, weights).enumerated().compactMap { index, share in
            share.1 > 0 ? Share(pool: index, weight: UInt64(share.1), seed: hash.poolSeed(share.0)) : nil
        }
    }

    /// Index of the pool; nil when no pool has a weight.
    package func pool(for key: UnsafeRawBufferPointer) -> Int? {
        let shares = self.shares.span
        guard shares.count > 1 else { return shares.count == 1 ? shares[0].pool : nil }
        let place = hash(key)
        var best = shares[0]
        var bestDraw = Draw(StickyHash.mix(place ^ best.seed))
        for index in 1..<shares.count {
            let share = shares[index]
            var draw = Draw(StickyHash.mix(place ^ share.seed))
            if Self.wins(share.weight, &draw, over: best.weight, &bestDraw) {
                best = share
                bestDraw = draw
            }
        }
        return best.pool
    }

    // MARK: - Private

    /// Bits behind the point. One in a million wins with draws near 10⁻⁶, which is 10⁶ of these steps.
    static let fractionBits: UInt64 = 40

    /// Of the logarithm's bits, those that decide all but a few of a hundred races.
    private static let coarseBits: UInt64 = 8

    /// A pool's draw, as far as it has been worked out: bit by bit is slow, and most races are decided by the first few.
    private struct Draw {
        private let hash: UInt64
        private(set) var least: UInt64
        private(set) var most: UInt64

        init(_ hash: UInt64) {
            self.hash = hash
            most = StickySplit.negativeLog2(hash, bits: coarseBits)
            least = most &- (1 << (fractionBits &- coarseBits) &- 1)
        }

        mutating func settle() {
            guard least != most else { return }
            most = StickySplit.negativeLog2(hash, bits: fractionBits)
            least = most
        }
    }

    /// weight / draw > otherWeight / otherDraw.
    private static func wins(_ weight: UInt64, _ draw: inout Draw, over otherWeight: UInt64, _ otherDraw: inout Draw) -> Bool {
        if isGreater(weight, otherDraw.least, otherWeight, draw.most) { return true }
        if !isGreater(weight, otherDraw.most, otherWeight, draw.least) { return false }
        draw.settle()
        otherDraw.settle()
        return isGreater(weight, otherDraw.least, otherWeight, draw.least)
    }

    /// a · b > c · d.
    private static func isGreater(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) -> Bool {
        let (one, other) = (a.multipliedFullWidth(by: b), c.multipliedFullWidth(by: d))
        return one.high > other.high || (one.high == other.high && one.low > other.low)
    }

    /// −log2(hash / 2⁶⁴) in steps of 2⁻⁴⁰, rounded up to so many bits behind the point; at least one. The lowest bit of the hash counts as
    /// set, so that zero has a logarithm.
    ///
    /// Bit by bit: the square of a number from 1 to 2 is at least 2 exactly when the next bit of its logarithm is 1.
    static func negativeLog2(_ hash: UInt64, bits: UInt64 = fractionBits) -> UInt64 {
        let number = hash | 1
        let zeros = UInt64(truncatingIfNeeded: number.leadingZeroBitCount)
        var mantissa = number << zeros
        var log = 63 &- zeros
        var left = bits
        while left > 0 {
            left &-= 1
            let square = mantissa.multipliedFullWidth(by: mantissa)
            let bit = square.high >> 63
            let shift = bit ^ 1
            mantissa = square.high &<< shift | (square.low >> 63) & shift
            log = log << 1 | bit
        }
        return (64 << fractionBits) &- log << (fractionBits &- bits)
    }
}
