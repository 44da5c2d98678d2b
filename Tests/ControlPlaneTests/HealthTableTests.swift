internal import Config
@testable internal import ControlPlane
internal import FoundationEssentials
internal import Policy
internal import Routing
internal import TestSupport
internal import Testing

@Suite struct HealthTableTests {
    private func target(_ port: UInt16, _ pool: String = "blue") throws -> Target {
        Target(identity: try Place.v4(port).identity(pool), ordinal: Int(port))
    }

    private func check(_ path: String = "/") -> HealthConfiguration {
        var check = HealthConfiguration()
        check.path = path
        return check
    }

    private func result(_ passed: Bool) -> HealthResult {
        HealthResult(time: 5, passed: passed, reason: passed ? "200" : "status 500", duration: .zero)
    }

    private func orders(_ targets: [Target], _ check: HealthConfiguration?, maintained: Bool = false) -> [HealthOrder] {
        targets.map { HealthOrder(target: $0, check: check, isInMaintenance: maintained) }
    }

    @Test("a new checked target takes no lease before its first pass, an unchecked one does")
    func new() throws {
        var table = HealthTable()
        let (checked, unchecked) = (try target(1), try target(2))
        let adoption = table.adopt(orders([checked], check()) + orders([unchecked], nil), remembered: HealthMemory(), now: 3)
        #expect(checked.isFailing && !unchecked.isFailing)
        #expect(table.report(of: checked)?.judge == HealthJudge(since: 3))
        #expect(table.report(of: unchecked) == nil)
        #expect(adoption.starts.map(\.identity) == [checked.identity])
        let change = table.note(result(true), of: adoption.starts[0].key)
        #expect(change?.from == .unknown && change?.to == .healthy)
        #expect(!checked.isFailing)
    }

    @Test("an unchanged target keeps its state and its checks go on; a changed check starts anew and keeps the state")
    func kept() throws {
        var table = HealthTable()
        let one = try target(1)
        let first = table.adopt(orders([one], check()), remembered: HealthMemory(), now: 0).starts[0].key
        _ = table.note(result(false), of: first)
        #expect(one.isFailing)
        let same = table.adopt(orders([one], check()), remembered: HealthMemory(), now: 9)
        #expect(same.starts.isEmpty && same.stops.isEmpty)
        let changed = table.adopt(orders([one], check("/other")), remembered: HealthMemory(), now: 9)
        #expect(changed.starts.map(\.check.path) == ["/other"])
        #expect(changed.stops.isEmpty)
        #expect(table.report(of: one)?.judge.state == .unhealthy)
        #expect(table.report(of: one)?.judge.since == 5)

        _ = table.note(result(true), of: changed.starts[0].key)
        _ = table.note(result(true), of: first)
        #expect(one.isFailing, "a late result of the former check does not count")
        _ = table.note(result(true), of: changed.starts[0].key)
        #expect(!one.isFailing)
    }

    @Test("a target that left is not judged any more")
    func left() throws {
        var table = HealthTable()
        let one = try target(1)
        let key = table.adopt(orders([one], check()), remembered: HealthMemory(), now: 0).starts[0].key
        #expect(table.adopt([], remembered: HealthMemory(), now: 0).stops == [ObjectIdentifier(one)])
        #expect(table.note(result(true), of: key) == nil)
        #expect(one.isFailing)
        #expect(table.report(of: one) == nil)
    }

    @Test("a serving target that gets a check serves on until the check fails; without check it serves again")
    func gains() throws {
        var table = HealthTable()
        let one = try target(1)
        _ = table.adopt(orders([one], nil), remembered: HealthMemory(), now: 0)
        let key = table.adopt(orders([one], check()), remembered: HealthMemory(), now: 0).starts[0].key
        #expect(!one.isFailing)
        #expect(table.report(of: one)?.judge.state == .unknown)
        #expect(table.note(result(false), of: key)?.to == .unhealthy)
        #expect(one.isFailing)
        let without = table.adopt(orders([one], nil), remembered: HealthMemory(), now: 0)
        #expect(without.stops == [ObjectIdentifier(one)])
        #expect(!one.isFailing)
    }

    @Test("in maintenance verdicts take effect and nobody is told")
    func maintenance() throws {
        var table = HealthTable()
        let one = try target(1)
        let key = table.adopt(orders([one], check(), maintained: true), remembered: HealthMemory(), now: 0).starts[0].key
        #expect(table.note(result(true), of: key) == nil)
        #expect(!one.isFailing)
        for _ in 0..<3 { #expect(table.note(result(false), of: key) == nil) }
        #expect(one.isFailing)
    }

    @Test("the last healthy target of a pool that falls is told as such")
    func last() throws {
        var table = HealthTable()
        let (one, two, other) = (try target(1), try target(2), try target(3, "green"))
        let starts = table.adopt(orders([one, two, other], check()), remembered: HealthMemory(), now: 0).starts
        for start in starts { _ = table.note(result(true), of: start.key) }
        var changes: [HealthChange] = []
        for start in starts[..<2] {
            for _ in 0..<3 { if let change = table.note(result(false), of: start.key) { changes.append(change) } }
        }
        #expect(changes.map(\.leavesPoolWithout) == [false, true])
    }

    @Test("what was found goes over to the next process: the same targets are what they were, others are new")
    func remembered() throws {
        var table = HealthTable()
        let targets = try (1...3).map { try target($0) }
        let starts = table.adopt(orders(targets, check()), remembered: HealthMemory(), now: 0).starts
        _ = table.note(result(true), of: starts[0].key)
        for passed in [true, false, false, false, true] { _ = table.note(result(passed), of: starts[1].key) }
        let memory = try JSONDecoder().decode(HealthMemory.self, from: JSONEncoder().encode(table.memory))
        #expect(memory == table.memory)
        #expect(memory.entries.count == 2, "of an unknown one there is nothing to remember")

        var next = HealthTable()
        let again = try [target(1), target(2), target(3), target(4), target(1, "green")]
        let begun = next.adopt(orders(again, check()), remembered: memory, now: 9).starts
        #expect(again.map(\.isFailing) == [false, true, true, true, true])
        #expect(next.report(of: again[1])?.judge == table.report(of: targets[1])?.judge)
        #expect(next.report(of: again[4])?.judge.state == .unknown)
        _ = next.note(result(true), of: begun[1].key)
        #expect(!again[1].isFailing, "one pass was there before, one came now: rise is two")
    }

    @Test("how long first results may take is the longest timeout of those that are missing")
    func missing() throws {
        var table = HealthTable()
        let (one, two) = (try target(1), try target(2))
        var slow = check()
        slow.timeout = .seconds(4)
        let starts = table.adopt(orders([one], check()) + orders([two], slow), remembered: HealthMemory(), now: 0).starts
        #expect(table.timeToFirstResults(of: [one, two]) == .seconds(4))
        #expect(table.timeToFirstResults(of: [one]) == .seconds(1))
        _ = table.note(result(false), of: starts[1].key)
        #expect(table.timeToFirstResults(of: [one, two]) == .seconds(1))
        _ = table.note(result(true), of: starts[0].key)
        #expect(table.timeToFirstResults(of: [one, two]) == nil)
    }
}
