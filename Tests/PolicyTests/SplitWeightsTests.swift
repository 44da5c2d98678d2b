import Policy
import Testing

@Suite("Split weights")
struct SplitWeightsTests {
    private let pools = ["blue", "green", "red"]

    private func parts(_ weights: [String: String]) throws -> [String: UInt32] {
        Dictionary(uniqueKeysWithValues: try SplitWeights.shares(weights, among: pools).map { ($0.pool, $0.partsPerMillion) })
    }

    @Test("plain numbers are in proportion, percentages of the whole, down to one in a million")
    func shares() throws {
        #expect(try parts(["blue": "95", "green": "5"]) == ["blue": 950_000, "green": 50_000])
        #expect(try parts(["blue": "1", "green": "1", "red": "1"]) == ["blue": 333_334, "green": 333_333, "red": 333_333])
        #expect(try parts(["blue": "99.9999%", "green": "0.0001%"]) == ["blue": 999_999, "green": 1])
        #expect(try parts(["blue": "999999999", "green": "0.000001"]) == ["blue": 999_999, "green": 1])
        #expect(try parts(["green": "0.5", "blue": "0"]) == ["green": 1_000_000])
        #expect(try SplitWeights.shares(["red": "1", "blue": "1"], among: pools).map(\.pool) == ["blue", "red"])
    }

    @Test(
        "what is not a split is refused, with what is wrong",
        arguments: [
            ([:], .noTraffic), (["blue": "0", "green": "0.0"], .noTraffic), (["pink": "1"], .unknownPool("pink")),
            (["blue": "95%", "green": "5"], .mixed), (["blue": "95%", "green": "4%"], .percentagesSum(to: 99_000_000)),
            (["blue": "0%"], .percentagesSum(to: 0)), (["blue": "-1"], .notAWeight(pool: "blue", text: "-1")),
            (["blue": ""], .notAWeight(pool: "blue", text: "")), (["blue": "%"], .notAWeight(pool: "blue", text: "%")),
            (["blue": "1."], .notAWeight(pool: "blue", text: "1.")), (["blue": ".5"], .notAWeight(pool: "blue", text: ".5")),
            (["blue": "1e3"], .notAWeight(pool: "blue", text: "1e3")), (["blue": "1.2.3"], .notAWeight(pool: "blue", text: "1.2.3")),
            (["blue": "1234567890"], .tooManyDigits(pool: "blue", text: "1234567890")),
            (["blue": "0.1234567"], .tooManyDigits(pool: "blue", text: "0.1234567")),
        ] as [([String: String], SplitWeights.Refusal)])
    func refused(weights: [String: String], refusal: SplitWeights.Refusal) {
        #expect(throws: refusal) { try SplitWeights.shares(weights, among: pools) }
    }

    @Test("the parts of random weights sum to a million, and nobody with a weight is left out")
    func sums() throws {
        var random = SeededRandom.announced("random shares")
        for _ in 0..<500 {
            let pools = (0..<Int.random(in: 1...30, using: &random)).map { "p\($0)" }
            var weights = Dictionary(uniqueKeysWithValues: pools.map { ($0, "\(Int.random(in: 0...999_999_999, using: &random))") })
            weights["p0"] = "1"
            let shares = try SplitWeights.shares(weights, among: pools)
            #expect(shares.reduce(0) { $0 + Int($1.partsPerMillion) } == 1_000_000)
            #expect(Set(shares.map(\.pool)) == Set(weights.filter { $0.value != "0" }.keys))
        }
    }
}
