/// How a pool shares its requests out among its targets.
package enum Balancer: Sendable, Equatable {
    /// Turns by weight: `SmoothSequence`.
    case roundRobin
    /// The target with the fewest exchanges for its weight, the next one counted in; of equals, the one whose turn is longest past. The scan
    /// stands in Routing, beside the counts: functions of another module are not inlined, and it asks once for each target.
    case leastConnections
}

/// Smooth weighted round-robin as one precomputed cycle: weights 5, 1, 1 give a a b a c a a (nginx's order), equal weights plain turns.
/// Over each cycle every target is chosen exactly as often as its weight says.
package struct SmoothSequence: Sendable {
    /// Weights that add up to more than this, after division by what they have in common, are scaled down to it: shares are then exact to
    /// about one part in `longestCycle`, and nobody who has a weight is left out.
    package static let longestCycle = 65_536

    /// Length of the cycle; 0 when there is nothing to choose.
    package let count: Int
    /// Empty when all weights are equal: the cycle is then 0, 1, 2 …
    private let order: [UInt32]

    /// - Parameter weights: of the targets, in order. 0 or less = never chosen.
    package init(weights: [Int]) {
        let weights = Self.reduced(weights.map { max(0, $0) })
        let isUniform = weights.allSatisfy { $0 == 1 }
        count = weights.reduce(0, +)
        order = isUniform ? [] : Self.smooth(weights, count: count)
    }

    /// The index of the target at `position`. Only for a sequence that is not empty.
    @inline(__always)
    package func index(at position: UInt64) -> Int {
        precondition(count > 0, "an empty sequence has no turns")
        let turn = Int(truncatingIfNeeded: position % UInt64(truncatingIfNeeded: count))
        return order.isEmpty ? turn : Int(order.span[turn])
    }

    // MARK: - Private

    /// Each turn everyone gains its weight; who has most is chosen and pays the sum.
    private static func smooth(_ weights: [Int], count: Int) -> [UInt32] {
        var credit = [Int](repeating: 0, count: weights.count)
        var order: [UInt32] = []
        order.reserveCapacity(count)
        for _ in 0..<count {
            var best = -1
            for index in weights.indices where weights[index] > 0 {
                credit[index] += weights[index]
                if best < 0 || credit[index] > credit[best] { best = index }
            }
            credit[best] -= count
            order.append(UInt32(truncatingIfNeeded: best))
        }
        return order
    }

    private static func reduced(_ weights: [Int]) -> [Int] {
        let divisor = weights.reduce(0, greatestDivisor)
        guard divisor > 0 else { return weights.map { _ in 0 } }
        let reduced = weights.map { $0 / divisor }
        let sum = reduced.reduce(0.0) { $0 + Double($1) }
        guard sum > Double(longestCycle) else { return reduced }
        let scaled = reduced.map { $0 == 0 ? 0 : max(1, Int(Double($0) / sum * Double(longestCycle))) }
        let divisorAfter = scaled.reduce(0, greatestDivisor)
        return scaled.map { $0 / divisorAfter }
    }

    private static func greatestDivisor(_ a: Int, _ b: Int) -> Int {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
