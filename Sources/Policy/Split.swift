/// Which pool takes the n-th request: an exact, low-discrepancy sequence. A 1 % canary gets one request of each hundred (the 100th, not the
/// first), and 50/50 alternates.
///
/// With n requests chosen and w a pool's share, for every n counted from any start of a cycle (position 0 is one):
/// - one or two pools: |n_pool − w·n| < 1, at any weights;
/// - k pools whose cycle (the sum of the weights, reduced) is at most `longestTable`: |n_pool − w·n| ≤ 1 − 1/(2k−2) (Tijdeman's chairman assignment);
/// - k pools of a longer cycle: |n_pool − w·n| < 1 + 1/2 + … + 1/(k−1) (1.5 for three): a chain of two-way splits, without a table.
///
/// Immutable; a lookup allocates nothing.
package struct Split: Sendable {
    /// Longest cycle for which the sequence is kept as a table: a byte or so for each request of it.
    package static let longestTable = 65_536

    private enum Form: Sendable {
        /// No pool has a weight.
        case none
        case one(Int)
        /// `minor` has the smaller share (of two equal ones the later pool) and so comes last in each cycle.
        case two(major: Int, minor: Int, share: UInt64, cycle: UInt64)
        case table([UInt16])
        case chain([Link])
    }

    /// One two-way split of what the links before it left over: `pool` takes what is not `rest` out of `cycle`.
    private struct Link: Sendable {
        var pool: Int
        var rest: UInt64
        var cycle: UInt64
    }

    private let form: Form

    /// - Parameter weights: of the pools, in order; in proportion to each other. 0 = no request.
    package init(weights: [UInt32]) {
        let weights = Self.bounded(weights)
        let divisor = weights.reduce(0, Self.greatestDivisor)
        var weighted: [(pool: Int, weight: UInt64)] = []
        for (pool, weight) in weights.enumerated() where weight > 0 { weighted.append((pool, UInt64(weight / divisor))) }
        // Big ones first; among equals, file order.
        weighted.sort { ($1.weight, $0.pool) < ($0.weight, $1.pool) }
        let cycle = weighted.reduce(0) { $0 + $1.weight }
        switch weighted.count {
        case 0: form = .none
        case 1: form = .one(weighted[0].pool)
        case 2: form = .two(major: weighted[0].pool, minor: weighted[1].pool, share: weighted[1].weight, cycle: cycle)
        default:
            form =
                cycle <= UInt64(Self.longestTable) ? .table(Self.table(weighted, cycle: cycle)) : .chain(Self.chain(weighted, cycle: cycle))
        }
    }

    /// The pool that takes everything; nil when there is a choice, or none at all. No position need be counted for it.
    package var onlyPool: Int? {
        if case .one(let pool) = form { pool } else { nil }
    }

    /// Index of the pool for the request at `position`, counted from 0; nil when no pool has a weight.
    package func pool(at position: UInt64) -> Int? {
        switch form {
        case .none: nil
        case .one(let pool): pool
        case .two(let major, let minor, let share, let cycle): Self.isHit(position % cycle, share: share, cycle: cycle) ? minor : major
        case .table(let table): Int(table.span[Int(position % UInt64(table.count))])
        case .chain(let links): Self.walk(links.span, position)
        }
    }

    // MARK: - Private

    /// Weights whose sum fits 32 bits, so that no product of two overflows. Parts per million always do.
    private static func bounded(_ weights: [UInt32]) -> [UInt32] {
        var weights = weights
        while weights.reduce(UInt64(0), { $0 + UInt64($1) }) > UInt64(UInt32.max) { weights = weights.map { $0 < 2 ? $0 : $0 / 2 } }
        return weights
    }

    /// Whether the share's count, ⌊n·share/cycle⌋, grows with the request at `position` (< cycle). Both factors stay below 2³².
    @inline(__always)
    private static func isHit(_ position: UInt64, share: UInt64, cycle: UInt64) -> Bool { (position * share) % cycle + share >= cycle }

    private static func walk(_ links: Span<Link>, _ position: UInt64) -> Int? {
        guard links.count > 0 else { return nil }
        var position = position % links[0].cycle
        for index in 0..<(links.count - 1) {
            let link = links[index]
            guard isHit(position, share: link.rest, cycle: link.cycle) else { return link.pool }
            // Requests that the rest took before this one: its position there, below the next link's cycle.
            position = position * link.rest / link.cycle
        }
        return links[links.count - 1].pool
    }

    /// From the biggest share down: each pool against all that are smaller. The rest of a link is the cycle of the next, so that one turn of
    /// the whole is one turn of each.
    private static func chain(_ weighted: [(pool: Int, weight: UInt64)], cycle: UInt64) -> [Link] {
        var left = cycle
        return weighted.map { pool, weight in
            defer { left -= weight }
            return Link(pool: pool, rest: left - weight, cycle: left)
        }
    }

    /// R. Tijdeman, "The chairman assignment problem" (1980): of the pools that are owed at least 1/(2k−2) of a request, the one whose debt
    /// would first pass 1 − 1/(2k−2) is next. All in integers, debts counted in 1/cycle.
    private static func table(_ weighted: [(pool: Int, weight: UInt64)], cycle: UInt64) -> [UInt16] {
        let scale = Int64(2 * weighted.count - 2)
        let cycle = Int64(cycle)
        let weights = weighted.map { Int64($0.weight) }
        var debts = weights.map { _ in Int64(0) }
        var table: [UInt16] = []
        table.reserveCapacity(Int(cycle))
        for _ in 0..<cycle {
            var best = -1
            var bestSlack = Int64(0)
            for index in weights.indices {
                debts[index] += weights[index]
                guard debts[index] * scale >= cycle else { continue }
                let slack = (scale - 1) * cycle - scale * debts[index]
                if best < 0 || slack * weights[best] < bestSlack * weights[index] {
                    best = index
                    bestSlack = slack
                }
            }
            precondition(best >= 0, "some pool is always owed its share")
            debts[best] -= cycle
            table.append(UInt16(truncatingIfNeeded: weighted[best].pool))
        }
        return table
    }

    private static func greatestDivisor(_ a: UInt32, _ b: UInt32) -> UInt32 {
        var (a, b) = (a, b)
        while b != 0 { (a, b) = (b, a % b) }
        return a
    }
}
