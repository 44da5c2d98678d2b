import Config
import Net
import Routing
import Testing

@Suite("Target registry")
struct TargetRegistryTests {
    private func build(_ targets: [UInt8], _ registry: TargetRegistry, resolved: [Endpoint: SocketAddress] = Fixture.resolved) throws
        -> Snapshot
    {
        var configuration = Configuration()
        configuration.services = [Fixture.service("shop", pools: [("blue", targets)])]
        return try Snapshot.build(configuration: configuration, epoch: 1, resolved: resolved, registry: registry)
    }

    @Test("a rebuild keeps targets, their counts and the position in turn, and tells what came and what leaves")
    func rebuildKeeps() throws {
        let registry = TargetRegistry()
        let first = try build([1, 2], registry)
        #expect(registry.lastChange.added.count == 2 && registry.lastChange.kept.isEmpty && registry.lastChange.leaving.isEmpty)
        let pool = first.services[0].pools[0]
        let held = pool.claimTarget()
        #expect(held === pool.members[0].target)
        let second = try build([1, 2, 3], registry)
        let rebuilt = second.services[0].pools[0]
        #expect(
            rebuilt !== pool && rebuilt.members[0].target === pool.members[0].target && rebuilt.members[1].target === pool.members[1].target
        )
        #expect(rebuilt.members[0].target.inFlight == 1)
        #expect(rebuilt.cursor === pool.cursor && second.services[0].state === first.services[0].state)
        #expect(rebuilt.claimTarget()?.ordinal == 1)
        #expect(registry.lastChange.added.map(\.identity.text) == ["10.0.0.3:80"])
        #expect(registry.lastChange.kept.count == 2)
        _ = try build([2], registry)
        #expect(registry.lastChange.leaving.map(\.identity.text) == ["10.0.0.1:80", "10.0.0.3:80"])
        #expect(registry.current.map(\.identity.text) == ["10.0.0.2:80"])
        #expect(registry.draining.map(\.identity.text) == ["10.0.0.1:80"])
    }

    @Test("a changed weight rules from the next snapshot on, and a change of balance keeps targets and counts")
    func changedWeight() throws {
        let registry = TargetRegistry()
        var configuration = Configuration()
        configuration.services = [Fixture.service("shop", pools: [("blue", [1, 2])])]
        func pool() throws -> Pool {
            try Snapshot.build(configuration: configuration, epoch: 1, resolved: Fixture.resolved, registry: registry).services[0].pools[0]
        }
        let first = try pool()
        for _ in 0..<10 { _ = first.claimTarget() }
        #expect(first.members.map(\.target.inFlight) == [5, 5])
        configuration.services[0].pools[0].targets[1].weight = 3
        let second = try pool()
        for _ in 0..<40 { _ = second.claimTarget() }
        #expect(second.members.map(\.target.inFlight) == [15, 35])
        // The old snapshot is still in some loop's hands for a moment: it goes on in its own way, on the same targets.
        for _ in 0..<2 { _ = first.claimTarget() }
        #expect(second.members.map(\.target.inFlight) == [16, 36])
        configuration.services[0].balance = .leastConnections
        configuration.services[0].pools[0].targets[1].weight = 1
        let third = try pool()
        for _ in 0..<20 { _ = third.claimTarget() }
        #expect(third.members.map(\.target.inFlight) == [36, 36])
        #expect(third.cursor === first.cursor && registry.lastChange.added.isEmpty && registry.lastChange.kept.count == 2)
    }

    @Test("a target that moved to another address is another target")
    func movedTarget() throws {
        let registry = TargetRegistry()
        let first = try build([1], registry)
        var resolved = Fixture.resolved
        resolved[Fixture.endpoint(1)] = Fixture.address(200)
        let second = try build([1], registry, resolved: resolved)
        #expect(first.services[0].pools[0].members[0].target !== second.services[0].pools[0].members[0].target)
        #expect(registry.lastChange.leaving.count == 1 && registry.lastChange.added.count == 1)
    }

    @Test("a target that left and comes back while it drains is a new one")
    func comesBack() throws {
        let registry = TargetRegistry()
        let first = try build([1], registry)
        let old = first.services[0].pools[0].members[0].target
        #expect(old.claim())
        _ = try build([2], registry)
        for target in registry.lastChange.leaving { target.retire() }
        let third = try build([1], registry)
        let new = third.services[0].pools[0].members[0].target
        #expect(new !== old && !new.isRetired && new.inFlight == 0 && new.ordinal != old.ordinal)
        old.release()
    }

    @Test("a service that comes back while somebody holds it counts on; one that nobody holds begins anew")
    func serviceComesBack() throws {
        let registry = TargetRegistry()
        func build(_ services: [String]) throws -> [Service] {
            var configuration = Configuration()
            configuration.services = services.map { Fixture.service($0, pools: [("blue", [1])]) }
            return try Snapshot.build(configuration: configuration, epoch: 1, resolved: Fixture.resolved, registry: registry).services
        }
        var held: Service? = try build(["shop", "other"])[0]
        #expect(held?.state.admit(limit: 1) == true)
        for _ in 0..<3 { _ = try build(["other"]) }
        var back = try build(["other", "shop"])[1]
        #expect(back !== held && back.state === held?.state && !back.state.admit(limit: 1))
        _ = try build(["other"])
        back = try build(["other", "shop"])[1]
        #expect(back.state === held?.state)
        held?.state.leave()
        held = nil
        back = try build(["other"])[0]
        _ = try build(["other"])
        back = try build(["other", "shop"])[1]
        #expect(back.state.activeCount == 0)
        #expect(held == nil)
    }

    @Test("a number of a pool is its name's alone; a serial its target's, though the ordinal is given again")
    func numbers() throws {
        let registry = TargetRegistry()
        func pools(_ names: [String]) throws -> [Pool] {
            var configuration = Configuration()
            configuration.services = [Fixture.service("shop", pools: names.map { ($0, [1]) })]
            let snapshot = try Snapshot.build(configuration: configuration, epoch: 1, resolved: Fixture.resolved, registry: registry)
            registry.lastChange.leaving.forEach { $0.retire() }
            return snapshot.services[0].pools
        }
        #expect(try pools(["blue", "green"]).map(\.ordinal) == [0, 1])
        #expect(try pools(["green", "blue"]).map(\.ordinal) == [1, 0])
        #expect(try pools(["green"]).map(\.ordinal) == [1])
        #expect(try pools(["blue", "green"]).map(\.ordinal) == [2, 1])
        var seen: [Int: Set<UInt64>] = [:]
        for name in ["a", "b", "c", "d", "e", "f"] {
            for member in try pools([name])[0].members { seen[member.target.ordinal, default: []].insert(member.target.serial) }
        }
        #expect(seen.values.map(\.count).reduce(0, +) == 6, "\(seen)")
        #expect(Set(seen.values.joined()).count == 6 && seen.count < 6, "\(seen)")
    }

    @Test("an ordinal is given again only after its target retired, drained, and nobody knows it any more")
    func ordinalsAreRecycled() throws {
        let registry = TargetRegistry()
        var old: Snapshot? = try build([1], registry)
        var held = old?.services[0].pools[0].members[0].target
        #expect(held?.ordinal == 0)
        // Still in a snapshot and in somebody's hand.
        _ = try build([2], registry)
        registry.lastChange.leaving.forEach { $0.retire() }
        _ = try build([3], registry)
        registry.lastChange.leaving.forEach { $0.retire() }
        #expect(registry.current.first?.ordinal == 2)
        old = nil
        // The target of the second build is free by now, that of the first is still held.
        _ = try build([4], registry)
        registry.lastChange.leaving.forEach { $0.retire() }
        #expect(registry.current.first?.ordinal == 1)
        #expect(held?.claim() == false)
        held = nil
        _ = try build([5], registry)
        #expect(registry.current.first?.ordinal == 0)
        #expect(old == nil && held == nil)
    }

    @Test("a thousand rebuilds of changing targets need only a handful of ordinals")
    func ordinalsStayDense() throws {
        let registry = TargetRegistry()
        for round in 0..<1000 {
            _ = try build([UInt8(1 + round % 250)], registry)
            registry.lastChange.leaving.forEach { $0.retire() }
        }
        #expect(registry.ordinalLimit <= 4)
    }
}
