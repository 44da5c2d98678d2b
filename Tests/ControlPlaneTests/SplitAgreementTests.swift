@testable internal import Config
internal import Policy
internal import Testing

/// Policy knows no configuration, so the rules of a split stand twice; here they are held together.
@Suite("Split of the file and of a command")
struct SplitAgreementTests {
    @Test("both read the same weights alike")
    func agree() throws {
        var random = SeededRandom.announced("weights read twice")
        let texts = ["0", "1", "5", "95", "0.5", "0.000001", "999999999", "33.333333", "12345678901", "x", "1.", ".1", ""]
        let pools = ["a", "b", "c", "d"]
        for _ in 0..<1000 {
            var weights: [String: String] = [:]
            for pool in pools { weights[pool] = texts.randomElement(using: &random) }
            let millionths = try? pools.map { try Weight.parse(weights[$0] ?? "").millionths }
            let expected = millionths.flatMap { Shares.partsPerMillion($0) }?.filter { $0 > 0 }
            #expect((try? SplitWeights.shares(weights, among: pools))?.map(\.partsPerMillion) == expected, "\(weights)")
        }
        #expect(SplitWeights.mostPools == Defaults.Bounds.sharedPools)
        #expect(ServiceRelease.allowedWeights == Defaults.Bounds.targetWeight)
    }
}
