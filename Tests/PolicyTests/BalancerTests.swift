import Policy
import Testing

@Suite("Balancer")
struct BalancerTests {
    @Test("weights 5, 1, 1 take turns in nginx's smooth order")
    func smoothOrder() {
        let sequence = SmoothSequence(weights: [5, 1, 1])
        #expect((0..<7).map { sequence.index(at: $0) } == [0, 0, 1, 0, 2, 0, 0])
    }

    @Test("equal weights take plain turns, whatever the weight")
    func equalWeights() {
        let sequence = SmoothSequence(weights: [20, 20, 20])
        #expect(sequence.count == 3)
        #expect((0..<7).map { sequence.index(at: $0) } == [0, 1, 2, 0, 1, 2, 0])
    }

    @Test("over a cycle every target is chosen exactly as often as its reduced weight says")
    func exactOverACycle() {
        var random = SeededRandom.announced("smooth cycles")
        for _ in 0..<50 {
            let weights = (0..<Int.random(in: 1...12, using: &random)).map { _ in Int.random(in: 0...60, using: &random) }
            let sequence = SmoothSequence(weights: weights)
            guard sequence.count > 0 else { continue }
            var counts = [Int](repeating: 0, count: weights.count)
            for turn in 0..<sequence.count { counts[sequence.index(at: UInt64(turn + 3 * sequence.count))] += 1 }
            let sum = weights.reduce(0, +)
            for index in weights.indices { #expect(counts[index] * sum == weights[index] * sequence.count, "\(weights)") }
        }
    }

    @Test("a cycle that would be too long is scaled down, and nobody is left out")
    func longCycle() {
        let weights = (0..<200).map { 1 + ($0 * 7919) % 1000 }
        let sequence = SmoothSequence(weights: weights)
        #expect(sequence.count <= SmoothSequence.longestCycle + weights.count)
        var counts = [Int](repeating: 0, count: weights.count)
        for turn in 0..<sequence.count { counts[sequence.index(at: UInt64(turn))] += 1 }
        let sum = weights.reduce(0, +)
        for index in weights.indices {
            #expect(counts[index] > 0)
            #expect(abs(counts[index] - weights[index] * sequence.count / sum) <= 2)
        }
    }

    @Test("nothing to choose makes an empty cycle")
    func empty() {
        #expect(SmoothSequence(weights: []).count == 0)
        #expect(SmoothSequence(weights: [0, 0]).count == 0)
        #expect(SmoothSequence(weights: [-4]).count == 0)
    }

    @Test("absurd weights do not trap")
    func absurdWeights() {
        let sequence = SmoothSequence(weights: [Int.max, Int.max - 1, 1])
        #expect(sequence.count > 0 && sequence.count <= SmoothSequence.longestCycle + 3)
    }
}
