@testable import Policy
import Testing

@Suite("Sticky split")
struct StickySplitTests {
    private static let million: [UInt32] = [999_999, 1]

    private func hash(_ service: String, _ key: [UInt8]) -> UInt64 { key.withUnsafeBytes { StickyHash(service: service)($0) } }

    private func pool(_ split: StickySplit, _ key: String) -> Int? {
        var key = key
        return key.withUTF8 { split.pool(for: UnsafeRawBufferPointer($0)) }
    }

    private func pool(_ split: StickySplit, _ key: UInt64) -> Int? { withUnsafeBytes(of: key.littleEndian) { split.pool(for: $0) } }

    // MARK: - Pinned: users would move

    @Test(
        "a key's hash never changes",
        arguments: [
            ("shop", [], 0x728d_047d_f6ef_0fdc), ("shop", Array("a".utf8), 0xc21d_37f0_1091_a794),
            ("shop", Array("alice".utf8), 0xf565_8c12_c44e_ed7e), ("api", Array("alice".utf8), 0x5771_bdcf_4d19_c4b0),
            ("shop", Array("12345678".utf8), 0xd3f2_de33_2e65_3740),
            ("shop", Array("3q2-7wAAAAAAAAAAAAAAAA".utf8), 0x92c4_8f0d_d50e_20cb), ("shop", [10, 0, 0, 1], 0x82ab_b844_cd4a_cd9f),
            ("", [UInt8](repeating: 0xff, count: 16), 0xa065_1de4_8cd0_7b6f),
        ] as [(String, [UInt8], UInt64)])
    func pinnedHash(service: String, key: [UInt8], expected: UInt64) {
        #expect(hash(service, key) == expected)
    }

    @Test(
        "the logarithm is that of exact arithmetic, to its last bit",
        arguments: [
            (0, 70_368_744_177_664), (1, 70_368_744_177_664), (2, 68_626_059_478_533), (3, 68_626_059_478_533), (.max, 1),
            (1 << 63, 1_099_511_627_776), (0xc000_0000_0000_0000, 456_338_556_421), (0x1234_5678_9abc_def0, 4_193_296_765_537),
        ] as [(UInt64, UInt64)])
    func logarithm(hash: UInt64, expected: UInt64) {
        #expect(StickySplit.negativeLog2(hash) == expected)
    }

    @Test("the first bits of a logarithm bound it from above, and by less than one of their steps")
    func coarse() {
        var random = SeededRandom.announced("coarse")
        for _ in 0..<2000 {
            // As many small, large and middling hashes.
            let hash = UInt64.random(in: 0...(.max), using: &random) >> UInt64.random(in: 0..<64, using: &random)
            for hash in [hash, ~hash] {
                let (exact, coarse) = (StickySplit.negativeLog2(hash), StickySplit.negativeLog2(hash, bits: 8))
                #expect(coarse >= exact && coarse - exact < 1 << 32)
            }
        }
    }

    @Test("close races are decided by the whole logarithm")
    func closeRaces() {
        var random = SeededRandom.announced("close races")
        for _ in 0..<500 {
            let weights = (0..<Int.random(in: 2...5, using: &random)).map { _ in UInt32.random(in: 1...1_000_000, using: &random) }
            let names = weights.indices.map { "pool-\($0)" }
            let split = StickySplit(service: "s", pools: names, weights: weights)
            let hash = StickyHash(service: "s")
            for _ in 0..<20 {
                let key = UInt64.random(in: 0...(.max), using: &random)
                let place = withUnsafeBytes(of: key.littleEndian) { hash($0) }
                let draws = names.map { StickySplit.negativeLog2(StickyHash.mix(place ^ hash.poolSeed($0))) }
                let chosen = pool(split, key) ?? 0
                for index in weights.indices where index != chosen {
                    let (mine, others) = (
                        UInt64(weights[chosen]).multipliedFullWidth(by: draws[index]),
                        UInt64(weights[index]).multipliedFullWidth(by: draws[chosen])
                    )
                    #expect((mine.high, mine.low) >= (others.high, others.low))
                }
            }
        }
    }

    @Test("who is on which pool never changes")
    func pinnedChoices() {
        let two = StickySplit(service: "shop", pools: ["blue", "green"], weights: [90, 10])
        #expect((0..<200).filter { pool(two, "user-\($0)") == 1 } == [10, 18, 22, 26, 59, 67, 70, 74, 83, 84, 90, 103, 130, 171, 174, 181])
        let three = StickySplit(service: "shop", pools: ["a", "b", "c"], weights: [5, 3, 2])
        let chosen = (0..<24).map { ["a", "b", "c"][pool(three, "user-\($0)") ?? 0] }.joined()
        #expect(chosen == "aaaaaaaabcacaaacaabaabaa")
    }

    // MARK: - Properties

    @Test("raising one weight only adds users to that pool, and going back brings the same ones back", arguments: 2...6)
    func monotone(pools: Int) {
        var random = SeededRandom.announced("monotone \(pools)")
        let names = (0..<pools).map { "pool-\($0)" }
        for _ in 0..<10 {
            var weights = (0..<pools).map { _ in UInt32.random(in: 0...100_000, using: &random) }
            weights[0] += 1
            let raised = Int.random(in: 0..<pools, using: &random)
            let before = StickySplit(service: "s", pools: names, weights: weights)
            var after = weights
            after[raised] += UInt32.random(in: 1...200_000, using: &random)
            let split = StickySplit(service: "s", pools: names, weights: after)
            let again = StickySplit(service: "s", pools: names, weights: weights)
            for _ in 0..<1000 {
                let key = UInt64.random(in: 0...(.max), using: &random)
                let (old, new) = (pool(before, key), pool(split, key))
                #expect(new == old || new == raised)
                #expect(pool(again, key) == old)
            }
        }
    }

    @Test("of any two pools, users only go to the one whose weight grew in proportion to the other's")
    func pairwise() {
        var random = SeededRandom.announced("pairwise")
        let names = ["a", "b", "c", "d"]
        for _ in 0..<10 {
            let old = names.map { _ in UInt32.random(in: 0...1_000_000, using: &random) + 1 }
            let new = names.map { _ in UInt32.random(in: 0...1_000_000, using: &random) }
            let (before, after) = (
                StickySplit(service: "s", pools: names, weights: old), StickySplit(service: "s", pools: names, weights: new)
            )
            for _ in 0..<1000 {
                let key = UInt64.random(in: 0...(.max), using: &random)
                guard let from = pool(before, key), let to = pool(after, key), from != to else { continue }
                #expect(UInt64(new[to]) * UInt64(old[from]) > UInt64(old[to]) * UInt64(new[from]))
            }
        }
    }

    @Test("a canary that grows from nothing to everything never loses a user on its way")
    func ramp() {
        let steps: [UInt32] = [0, 1, 100, 10_000, 50_000, 250_000, 500_000, 990_000, 999_999, 1_000_000]
        let splits = steps.map { StickySplit(service: "s", pools: ["blue", "green"], weights: [1_000_000 - $0, $0]) }
        for key in UInt64(0)..<20_000 {
            let path = splits.map { pool($0, key) ?? -1 }
            #expect(path == path.sorted() && path.first == 0 && path.last == 1)
        }
    }

    @Test("only proportions count, and neither the order of pools nor one without weight changes anything")
    func invariant() {
        let split = StickySplit(service: "s", pools: ["a", "b", "c"], weights: [1, 2, 3])
        let scaled = StickySplit(service: "s", pools: ["a", "b", "c"], weights: [100_000, 200_000, 300_000])
        let turned = StickySplit(service: "s", pools: ["c", "a", "b"], weights: [3, 1, 2])
        let more = StickySplit(service: "s", pools: ["x", "a", "y", "b", "c"], weights: [0, 1, 0, 2, 3])
        for key in UInt64(0)..<5000 {
            let chosen = pool(split, key)
            #expect(pool(scaled, key) == chosen)
            #expect(pool(turned, key).map { ($0 + 2) % 3 } == chosen)
            #expect(pool(more, key).map { [-1, 0, -1, 1, 2][$0] } == chosen)
        }
    }

    @Test(
        "a million keys are shared out by the weights",
        arguments: [([99, 1], 1_000_000), ([1, 1, 1], 200_000), ([50, 30, 15, 5], 200_000), ([9999, 1], 200_000)] as [([UInt32], Int)])
    func shares(weights: [UInt32], keys: Int) {
        let split = StickySplit(service: "shares", pools: weights.indices.map { "pool-\($0)" }, weights: weights)
        var counts = weights.map { _ in 0 }
        for key in 0..<UInt64(keys) { counts[pool(split, key) ?? 0] += 1 }
        let total = weights.reduce(0, +)
        for (count, weight) in zip(counts, weights) {
            let share = Double(weight) / Double(total)
            // Five standard deviations: the keys are fixed, so this either holds for ever or never.
            let bound = 5 * (Double(keys) * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - Double(keys) * share) < bound, "\(weights) \(counts)")
        }
    }

    @Test("one in a million gets about one user in a million, and none at weight zero")
    func oneInAMillion() {
        let split = StickySplit(service: "s", pools: ["blue", "green"], weights: Self.million)
        let none = StickySplit(service: "s", pools: ["blue", "green"], weights: [1_000_000, 0])
        var hits = 0
        for key in UInt64(0)..<200_000 where pool(split, key) == 1 { hits += 1 }
        // Poisson with mean 0.2: more than 3 has a chance of 10⁻⁴, and the keys are fixed.
        #expect(hits <= 3, "\(hits)")
        for key in UInt64(0)..<1000 { #expect(pool(none, key) == 0) }
        // By the draw itself: which hashes would win against a rival of average luck.
        let rival = StickySplit.negativeLog2(1 << 63)
        #expect(StickySplit.negativeLog2(.max - (1 << 43)) * 999_999 < rival)
        #expect(StickySplit.negativeLog2(.max - (1 << 44)) * 999_999 > rival)
    }

    @Test("two services place the same users independently")
    func independent() {
        let shop = StickySplit(service: "shop", pools: ["blue", "green"], weights: [80, 20])
        let api = StickySplit(service: "api", pools: ["blue", "green"], weights: [80, 20])
        var (shopOnly, both, total) = (0, 0, 0)
        for key in UInt64(0)..<200_000 {
            let (one, other) = (pool(shop, key) == 1, pool(api, key) == 1)
            total += 1
            if one { shopOnly += 1 }
            if one && other { both += 1 }
        }
        // 20 % of the shop's canary users are on the API's canary too, as of everybody.
        let bound = 5 * (Double(shopOnly) * 0.2 * 0.8).squareRoot()
        #expect(abs(Double(both) - Double(shopOnly) * 0.2) < bound, "\(both) of \(shopOnly) of \(total)")
    }

    @Test("keys that differ in one bit, or in their length alone, have nothing in common")
    func avalanche() {
        let words = (0..<64).map { hash("s", [UInt8](repeating: 0, count: $0)) }
        #expect(Set(words).count == words.count)
        var random = SeededRandom.announced("avalanche")
        for length in [1, 7, 8, 9, 16, 23] {
            var flipped = 0
            let rounds = 200
            for _ in 0..<rounds {
                let key = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                var other = key
                other[Int.random(in: 0..<length, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                flipped += (hash("s", key) ^ hash("s", other)).nonzeroBitCount
            }
            // 64 fair coins each: mean 32, standard deviation of the sum 4·√rounds.
            #expect(abs(flipped - 32 * rounds) < 6 * 4 * Int(Double(rounds).squareRoot()), "\(length): \(flipped)")
        }
    }

    @Test("no pool with a weight, no choice; one, no question")
    func few() {
        #expect(pool(StickySplit(service: "s", pools: ["a", "b"], weights: [0, 0]), 1) == nil)
        #expect(pool(StickySplit(service: "s", pools: [], weights: []), 1) == nil)
        #expect(pool(StickySplit(service: "s", pools: ["a", "b"], weights: [0, 7]), 1) == 1)
    }
}
