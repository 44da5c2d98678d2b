import Policy
import Testing

@Suite("Split")
struct SplitTests {
    @Test(
        "for every prefix of requests two pools are less than one off their shares",
        arguments: [
            [50, 50], [99, 1], [1, 99], [95, 5], [999_999, 1], [1, 999_999], [700_001, 299_999], [3, 4], [1, 1_000_000],
            [333_333, 666_667],
        ] as [[UInt32]])
    func twoPoolsStayExact(weights: [UInt32]) {
        expectDeviation(below: .init(1, 1), weights: weights, requests: 10_000)
    }

    @Test("one part per million stays exact over its whole cycle, and the canary takes the last request of it")
    func onePartPerMillion() {
        let split = Split(weights: [999_999, 1])
        var hits: [UInt64] = []
        for position in 0..<UInt64(1_000_000) where split.pool(at: position) == 1 { hits.append(position) }
        #expect(hits == [999_999])
        #expect(split.pool(at: 1_999_999) == 1)
    }

    @Test("a one-percent canary gets the hundredth request of each hundred")
    func onePercent() {
        let split = Split(weights: [99, 1])
        let hits = (0..<UInt64(1000)).filter { split.pool(at: $0) == 1 }
        #expect(hits == stride(from: 99, to: 1000, by: 100).map { UInt64($0) })
    }

    @Test("equal shares alternate")
    func halves() {
        let split = Split(weights: [50, 50])
        #expect((0..<6).map { split.pool(at: $0) } == [0, 1, 0, 1, 0, 1])
    }

    @Test(
        "several pools with a short cycle stay within Tijdeman's bound",
        arguments: [[90, 5, 5], [1, 1, 1], [50, 30, 20], [98, 1, 1], [7, 5, 3, 2, 1]] as [[UInt32]])
    func tableIsWithinBound(weights: [UInt32]) {
        let pools = weights.count
        expectDeviation(below: .init(2 * pools - 3, 2 * pools - 2), orEqual: true, weights: weights, requests: 10_000)
    }

    @Test(
        "three pools with a long cycle are less than one and a half off",
        arguments: [[999_998, 1, 1], [333_334, 333_333, 333_333], [600_001, 299_999, 100_000]] as [[UInt32]])
    func chainIsWithinBound(weights: [UInt32]) {
        expectDeviation(below: .init(3, 2), weights: weights, requests: 10_000)
    }

    @Test("random weights of many pools stay within the documented bound and are exact after a cycle")
    func randomWeights() {
        var random = SeededRandom.announced("random weights")
        for _ in 0..<40 {
            let pools = Int.random(in: 2...7, using: &random)
            let weights = (0..<pools).map { _ in UInt32.random(in: 0...200_000, using: &random) }
            guard weights.reduce(0, +) > 0 else { continue }
            // 1 + 1/2 + … + 1/6 < 2.5 covers chains; shorter forms are tighter.
            expectDeviation(below: .init(5, 2), weights: weights, requests: 3000)
        }
    }

    @Test("a whole cycle gives each of many pools exactly its weight")
    func longCycleIsExact() {
        let weights: [UInt32] = [500_000, 299_999, 200_001]
        let split = Split(weights: weights)
        var counts = [UInt32](repeating: 0, count: 3)
        for position in 0..<UInt64(1_000_000) { counts[split.pool(at: position) ?? 0] += 1 }
        #expect(counts == weights)
    }

    @Test("a pool without weight gets nothing")
    func zeroWeight() {
        let split = Split(weights: [0, 3, 0, 1])
        #expect(Set((0..<100).compactMap { split.pool(at: $0) }) == [1, 3])
        #expect(Split(weights: [0, 7]).onlyPool == 1)
    }

    @Test("without any weight there is no pool")
    func noWeight() {
        #expect(Split(weights: []).pool(at: 3) == nil)
        #expect(Split(weights: [0, 0]).pool(at: 3) == nil)
        #expect(Split(weights: [0, 0]).onlyPool == nil)
    }

    @Test("absurd weights and positions do not trap")
    func absurdValues() {
        for weights in [[UInt32.max, .max], [.max, .max, .max], [.max, 1, 1], [1, .max]] as [[UInt32]] {
            let split = Split(weights: weights)
            for position in [0, 1, UInt64.max / 2, .max - 1, .max] { #expect(split.pool(at: position) != nil) }
        }
    }

    struct Bound {
        var numerator: Int
        var denominator: Int
        init(_ numerator: Int, _ denominator: Int) {
            self.numerator = numerator
            self.denominator = denominator
        }
    }

    /// In integers: |count·sum − weight·n| · denominator against numerator · sum.
    private func expectDeviation(
        below bound: Bound, orEqual: Bool = false, weights: [UInt32], requests: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let split = Split(weights: weights)
        let sum = Int(weights.reduce(0, +))
        var counts = [Int](repeating: 0, count: weights.count)
        for n in 1...requests {
            guard let pool = split.pool(at: UInt64(n - 1)) else {
                Issue.record("no pool for request \(n) of \(weights)", sourceLocation: sourceLocation)
                return
            }
            counts[pool] += 1
            for (index, weight) in weights.enumerated() {
                let off = abs(counts[index] * sum - Int(weight) * n) * bound.denominator
                let limit = bound.numerator * sum
                guard off < limit || (orEqual && off == limit) else {
                    Issue.record("\(weights): pool \(index) has \(counts[index]) of \(n)", sourceLocation: sourceLocation)
                    return
                }
            }
        }
    }
}
