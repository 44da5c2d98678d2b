import Config
import Policy
import Routing
import Testing

@Suite("Split position")
struct SplitPositionTests {
    private let registry = TargetRegistry()

    private func service(_ weights: [UInt32], targets: [UInt8] = [1], extra: Bool = false) throws -> Service {
        let total = weights.reduce(0, +)
        let names = ["blue", "green", "red", "black"]
        var pools = weights.indices.map { (name: names[$0], targets: $0 == 0 ? targets : [UInt8($0 + 100)]) }
        if extra { pools.append(("extra", [200])) }
        var configuration = Configuration()
        let split = weights.indices.map { (names[$0], weights[$0] * (1_000_000 / total)) }
        configuration.services = [Fixture.service("shop", pools: pools, split: split)]
        let snapshot = try Snapshot.build(configuration: configuration, epoch: 1, resolved: Fixture.resolved, registry: registry)
        registry.lastChange.leaving.forEach { $0.retire() }
        return try #require(snapshot.service(named: "shop"))
    }

    private func hits(of service: Service, in requests: Int) -> [Int] {
        (1...requests).filter { _ in service.choosePool()?.name == "green" }
    }

    @Test("a new split begins with its own first request, wherever the one before it stood")
    func beginsAnew() throws {
        for before in 0..<120 {
            _ = hits(of: try service([80, 20]), in: before + 1)
            #expect(hits(of: try service([99, 1]), in: 250) == [100, 200])
        }
    }

    @Test("the same split goes on over snapshots: with other targets, and with a pool that has no share")
    func goesOn() throws {
        #expect(hits(of: try service([99, 1]), in: 60).isEmpty)
        #expect(hits(of: try service([99, 1], targets: [1, 2]), in: 30).isEmpty)
        #expect(hits(of: try service([99, 1], targets: [2], extra: true), in: 20) == [10])
    }

    @Test("a flip to all and back begins the canary anew")
    func flipAndBack() throws {
        #expect(hits(of: try service([99, 1]), in: 99).isEmpty)
        #expect(hits(of: try service([100, 0]), in: 10).isEmpty)
        #expect(hits(of: try service([99, 1]), in: 100) == [100])
    }

    @Test("a snapshot that was built and not taken moves no position")
    func notTaken() throws {
        let live = try service([99, 1])
        #expect(hits(of: live, in: 99).isEmpty)
        var configuration = Configuration()
        configuration.services = [
            Fixture.service("shop", pools: [("blue", [1]), ("green", [101])], split: [("blue", 500_000), ("green", 500_000)])
        ]
        _ = try Snapshot.prepare(
            configuration: configuration, epoch: 2, release: ReleaseState(), resolved: Fixture.resolved, registry: registry)
        #expect(hits(of: live, in: 1) == [1])
        #expect(hits(of: try service([99, 1]), in: 100) == [100])
    }

    @Test("under random splits each prefix since each change is less than one off")
    func exactSinceEachChange() throws {
        var random = SeededRandom.announced("splits that follow each other")
        for _ in 0..<200 {
            let green = UInt32.random(in: 0...100, using: &random)
            let service = try service([100 - green, green])
            // The same weights as before would go on where they were.
            defer { _ = try? self.service([1, 1, 2]) }
            var count = 0
            for n in 1...Int.random(in: 1...300, using: &random) {
                if service.choosePool()?.name == "green" { count += 1 }
                #expect(abs(count * 100 - n * Int(green)) < 100, "\(green) %, \(count) of \(n)")
            }
        }
    }
}
