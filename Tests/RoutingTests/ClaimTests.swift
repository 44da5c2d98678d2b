import Config
import Routing
import Testing

@Suite("Claims")
struct ClaimTests {
    @Test("round-robin claims in smooth order and gives each target its weight")
    func turns() {
        let pool = Fixture.pool(weights: [5, 1, 1])
        #expect((0..<7).map { _ in pool.claimTarget()?.ordinal } == [0, 0, 1, 0, 2, 0, 0])
        #expect(pool.members.map(\.target.inFlight) == [5, 1, 1])
        #expect(pool.inFlight == 7)
        for member in pool.members { for _ in 0..<member.target.inFlight { member.target.release() } }
        #expect(pool.inFlight == 0)
    }

    @Test("claims of four threads at once are exact over whole cycles")
    func turnsAcrossThreads() {
        let pool = Fixture.pool(weights: [3, 2, 1, 10])
        onThreads(4) { _ in for _ in 0..<(16 * 500) { _ = pool.claimTarget() } }
        #expect(pool.members.map(\.target.inFlight) == [3, 2, 1, 10].map { $0 * 4 * 500 })
    }

    @Test("two pools that share a cursor, as before and after a reload, go on in one sequence")
    func sharedCursor() {
        let first = Fixture.pool(weights: [1, 1, 1])
        let second = Pool(name: "p", members: first.members, cursor: first.cursor)
        #expect([first, second, first, second].map { $0.claimTarget()?.ordinal } == [0, 1, 2, 0])
    }

    @Test("a retired target takes no new lease, and the others share its turns evenly")
    func retired() {
        for balance in [Fixture.PoolBalance.turns, .load] {
            let pool = Fixture.pool(weights: [1, 1, 1], balance: balance)
            pool.members[1].target.retire()
            for _ in 0..<100 { _ = pool.claimTarget() }
            #expect(pool.members.map(\.target.inFlight) == [50, 0, 50])
            pool.members[0].target.retire()
            pool.members[2].target.retire()
            #expect(pool.claimTarget() == nil)
            #expect(pool.claimTarget(excluding: 1) == nil)
            #expect(pool.members.map(\.target.inFlight) == [50, 0, 50])
        }
    }

    @Test("an excluded target is chosen only when nothing else is left")
    func excluded() {
        for balance in [Fixture.PoolBalance.turns, .load] {
            let pool = Fixture.pool(weights: [1000, 1, 1], balance: balance)
            for _ in 0..<50 { #expect(pool.claimTarget(excluding: 0)?.ordinal != 0) }
            pool.members[1].target.retire()
            pool.members[2].target.retire()
            #expect(pool.claimTarget(excluding: 0)?.ordinal == 0)
            #expect(pool.claimTarget(excluding: 77)?.ordinal == 0)
        }
    }

    @Test("a failing target takes no lease until it is well, and the others share its turns evenly")
    func failing() {
        for balance in [Fixture.PoolBalance.turns, .load] {
            let pool = Fixture.pool(weights: [1, 1, 1, 1], balance: balance)
            pool.members[2].target.setFailing(true)
            for _ in 0..<99 { _ = pool.claimTarget() }
            #expect(pool.members.map(\.target.inFlight) == [33, 33, 0, 33])
            for member in pool.members { member.target.setFailing(true) }
            #expect(pool.claimTarget() == nil)
            pool.members[2].target.setFailing(false)
            for _ in 0..<5 { #expect(pool.claimTarget()?.ordinal == 2) }
        }
    }

    @Test("when the heaviest fail, the light ones share by their weights, whatever their order")
    func heavyFailing() {
        let pool = Fixture.pool(weights: [1000, 1, 900, 2, 1, 4])
        pool.members[0].target.setFailing(true)
        pool.members[2].target.setFailing(true)
        let count = 8000
        for _ in 0..<count { _ = pool.claimTarget() }
        for (member, weight) in zip(pool.members, [0, 1, 0, 2, 1, 4]) {
            let share = Double(member.target.inFlight) / Double(count)
            #expect(abs(share - Double(weight) / 8) < 0.02, "weight \(weight) got \(share)")
        }
    }

    @Test("an empty pool has no target")
    func empty() {
        #expect(Fixture.pool(weights: []).claimTarget() == nil)
        #expect(Fixture.pool(weights: [], balance: .load).claimTarget(excluding: 0) == nil)
    }

    @Test("no claim stays behind on a target that retires while four threads claim")
    func retireUnderClaims() {
        let pool = Fixture.pool(weights: [1, 1], balance: .load)
        let leaving = pool.members[0].target
        onThreads(4) { thread in
            for round in 0..<20_000 {
                if thread == 0 && round == 5_000 { leaving.retire() }
                let target = pool.claimTarget()
                target?.release()
            }
        }
        #expect(leaving.isRetired && leaving.inFlight == 0)
        #expect(pool.members[1].target.inFlight == 0)
        #expect(!leaving.claim() && leaving.inFlight == 0)
    }

    @Test("least-connections chooses as a model that looks at every target")
    func leastConnectionsModel() {
        var random = SeededRandom.announced("least connections")
        for _ in 0..<30 {
            let weights = (0..<Int.random(in: 1...20, using: &random)).map { _ in Int.random(in: 1...5, using: &random) }
            let pool = Fixture.pool(weights: weights, balance: .load)
            var counts = [Int](repeating: 0, count: weights.count)
            for _ in 0..<500 {
                let held = counts.indices.filter { counts[$0] > 0 }
                if let index = held.randomElement(using: &random), Int.random(in: 0...2, using: &random) == 0 {
                    counts[index] -= 1
                    pool.members[index].target.release()
                    continue
                }
                guard let chosen = pool.claimTarget()?.ordinal else {
                    Issue.record("nobody was chosen")
                    return
                }
                let least = counts.indices.map { Double(counts[$0] + 1) / Double(weights[$0]) }.min() ?? 0
                #expect(Double(counts[chosen] + 1) / Double(weights[chosen]) <= least + 1e-9, "\(weights) \(counts)")
                counts[chosen] += 1
            }
            #expect(pool.members.map(\.target.inFlight) == counts)
        }
    }

    @Test("targets that are equally loaded take turns, wherever they stand in the pool")
    func fairTies() {
        let pool = Fixture.pool(weights: Array(repeating: 1, count: 10), balance: .load)
        for busy in 2..<10 { for _ in 0..<3 { pool.members[busy].target.claim() } }
        var chosen = [0, 0]
        for _ in 0..<1000 {
            guard let target = pool.claimTarget() else { return }
            chosen[target.ordinal] += 1
            target.release()
        }
        #expect(chosen == [500, 500])
    }

    @Test("idle targets take turns")
    func idleTurns() {
        let pool = Fixture.pool(weights: [1, 1, 1], balance: .load)
        for expected in [0, 1, 2, 0, 1, 2] {
            let target = pool.claimTarget()
            #expect(target?.ordinal == expected)
            target?.release()
        }
    }

    @Test("least-connections over four threads keeps counts level")
    func leastConnectionsAcrossThreads() {
        let pool = Fixture.pool(weights: [1, 1, 1, 1], balance: .load)
        onThreads(4) { _ in for _ in 0..<10_000 { _ = pool.claimTarget() } }
        let counts = pool.members.map(\.target.inFlight)
        #expect(counts.reduce(0, +) == 40_000)
        // A choice looks, then claims: at most one claim of each other thread may come in between.
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 4)
    }

    @Test("a lease gives its place and its target back, and a moved one only the last target")
    func lease() throws {
        let pool = Fixture.pool(weights: [1, 1])
        let state = ServiceState(name: "s")
        let service = Service(name: "s", pools: [pool], state: state, retryAttempts: 1, limits: .init(), drain: .init())
        let holder = Holder()
        #expect(state.admit(limit: 1))
        #expect(!state.admit(limit: 1))
        holder.lease = Lease(service: service, pool: pool, target: try #require(pool.claimTarget()))
        #expect(pool.members.map(\.target.inFlight) == [1, 0])
        let rebuilt = Service(name: "s", pools: [pool], state: state, retryAttempts: 1, limits: .init(), drain: .init())
        let next = try #require(pool.claimTarget(excluding: 0))
        if let former = holder.lease.take() { holder.lease = former.moved(to: next, of: pool, in: rebuilt) }
        #expect(state.activeCount == 1 && holder.lease?.service === rebuilt)
        #expect(pool.members.map(\.target.inFlight) == [0, 1])
        #expect(holder.lease?.target === pool.members[1].target)
        holder.lease.take()?.release()
        #expect(pool.inFlight == 0 && state.activeCount == 0)
        holder.lease.take()?.release()
        #expect(pool.inFlight == 0 && state.activeCount == 0)
    }

    private final class Holder {
        var lease: Lease?
    }
}
