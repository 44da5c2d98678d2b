@testable internal import ControlPlane
internal import Policy
internal import Routing
internal import Testing

@Suite struct DeploymentTests {
    private func deploy(
        _ targets: [String], to pool: String = "green", _ strategy: DeployOrder.Strategy = .blueGreen, wait: Duration = .seconds(10)
    ) -> ReleaseCommand {
        .deploy(DeployOrder(service: "shop", pool: pool, targets: targets, strategy: strategy, wait: wait, drain: .seconds(10)))
    }

    @Test("blue-green: the idle pool is made of the new targets, proven, and takes over")
    func blueGreen() throws {
        let desk = try ReleaseFixture()
        let receipt = try desk.order(deploy(["127.0.0.1:5", "127.0.0.1:6"]))
        #expect(receipt.exitCode == 0 && receipt.changed && receipt.split == ["blue": 0, "green": 100])
        #expect(desk.targets(of: "green") == ["127.0.0.1:5", "127.0.0.1:6"])
        #expect(desk.shares == [0, 1_000_000])
        let back = try desk.order(deploy(["127.0.0.1:1", "127.0.0.1:2"], to: "blue"))
        #expect(back.exitCode == 0 && desk.targets(of: "blue") == ["127.0.0.1:1", "127.0.0.1:2"])
    }

    @Test("targets that never get healthy leave the old pool serving and everything as it was")
    func unhealthy() throws {
        let desk = try ReleaseFixture()
        desk.fitness.set("127.0.0.1:6", "status 500")
        let refusal = desk.refusal(deploy(["127.0.0.1:5", "127.0.0.1:6"], wait: .milliseconds(120)))
        #expect(refusal?.exitCode == 6)
        #expect(refusal?.targets == [.init(target: "127.0.0.1:6", reason: "status 500")])
        #expect(desk.shares == [1_000_000, 0] && desk.targets(of: "green") == ["127.0.0.1:3"])
        #expect(desk.proxy.release.services.isEmpty && desk.desk.underWay.isEmpty)
    }

    @Test("a deployment waits until its targets are healthy")
    func waits() throws {
        let desk = try ReleaseFixture()
        desk.fitness.set("127.0.0.1:5", "not up yet")
        let pending = desk.begin(deploy(["127.0.0.1:5"]))
        #expect(pending.wait(for: .milliseconds(80))[0] == nil)
        desk.fitness.set("127.0.0.1:5", nil)
        #expect(try pending.wait(for: .seconds(20))[0]?.get().split?["green"] == 100)
    }

    @Test("a pool with traffic is not made anew under its users")
    func poolInUse() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(deploy(["127.0.0.1:5"], to: "blue"))?.exitCode == 5)
        #expect(desk.refusal(deploy(["nonsense"]))?.exitCode == 2)
        #expect(desk.refusal(deploy([], to: "green", .rolling))?.exitCode == 2)
        #expect(desk.proxy.epoch == 1)
    }

    @Test("rolling: new ones in and old ones out in turns, never fewer than before")
    func rolling() throws {
        let desk = try ReleaseFixture()
        let receipt = try desk.order(deploy(["127.0.0.1:5", "127.0.0.1:6"], to: "blue", .rolling))
        #expect(receipt.exitCode == 0 && receipt.changed)
        #expect(desk.targets(of: "blue") == ["127.0.0.1:5", "127.0.0.1:6"])
        #expect(desk.proxy.epoch == 5, "four steps, one epoch each")
        #expect(desk.shares == [1_000_000, 0])
    }

    @Test("a rolling deployment that fails half-way takes its steps back")
    func rollingBack() throws {
        let desk = try ReleaseFixture()
        desk.fitness.set("127.0.0.1:6", "hangs")
        let refusal = desk.refusal(deploy(["127.0.0.1:5", "127.0.0.1:6"], to: "blue", .rolling, wait: .milliseconds(150)))
        #expect(refusal?.detail.contains("shop is as it was") == true)
        #expect(desk.targets(of: "blue") == ["127.0.0.1:1", "127.0.0.1:2"])
    }

    @Test("while it runs nobody else switches that service; other services are free; who forces takes over")
    func lock() throws {
        let desk = try ReleaseFixture()
        desk.fitness.set("127.0.0.1:5", "not up yet")
        let pending = desk.begin(deploy(["127.0.0.1:5"], wait: .seconds(60)))
        let refusal = desk.refusal(.flip(service: "shop", pool: "green", waitDrained: nil))
        #expect(refusal?.exitCode == 5 && refusal?.name == "deployment-under-way")
        try desk.order(.pause(service: "blog", maxWait: nil, requests: nil, bytes: nil, wait: nil))
        try desk.order(.flip(service: "shop", pool: "green", waitDrained: nil), forced: true)
        guard case .failure(let superseded)? = pending.wait(for: .seconds(20))[0] else {
            Issue.record("the deployment was taken over")
            return
        }
        #expect(superseded.exitCode == 5 && superseded.name == "superseded")
        #expect(desk.shares == [0, 1_000_000])
    }

    @Test("an old pool that does not drain in time is told with 9")
    func notDrained() throws {
        let desk = try ReleaseFixture()
        let held = try #require(desk.target("127.0.0.1:2"))
        #expect(held.claim())
        let order = DeployOrder(
            service: "shop", pool: "green", targets: [], strategy: .blueGreen, wait: .seconds(5), drain: .milliseconds(30))
        let receipt = try desk.order(.deploy(order))
        #expect(receipt.exitCode == 9 && receipt.notes.contains { $0.contains("127.0.0.1:2") })
        held.release()
    }
}
