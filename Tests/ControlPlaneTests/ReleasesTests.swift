internal import Config
@testable internal import ControlPlane
internal import Glibc
internal import Policy
internal import Routing
internal import Testing

@Suite struct ReleasesTests {
    private static let flip = ReleaseCommand.flip(service: "shop", pool: "green", waitDrained: nil)
    private static let blueFirst = ServiceRelease.Place(pool: "blue", target: "127.0.0.1:1")

    @Test("a flip moves everything under the next epoch, and its receipt tells before, after and each loop")
    func flips() throws {
        let desk = try ReleaseFixture()
        let receipt = try desk.order(Self.flip)
        #expect(receipt.epoch == 2 && receipt.changed && receipt.exitCode == 0 && receipt.sequence == 1)
        #expect(receipt.previousSplit == ["blue": 100, "green": 0] && receipt.split == ["blue": 0, "green": 100])
        #expect(receipt.acknowledgements.map(\.loop) == [0, 1] && receipt.acknowledgements.allSatisfy { $0.microseconds != nil })
        #expect(desk.shares == [0, 1_000_000])
        #expect(receipt.inFlight.map(\.pool) == ["blue"])
    }

    @Test("a pool left out means the other one of two; the same flip again changes nothing and takes no epoch")
    func other() throws {
        let desk = try ReleaseFixture()
        #expect(try desk.order(.flip(service: "shop", pool: nil, waitDrained: nil)).split?["green"] == 100)
        #expect(try desk.order(.flip(service: "shop", pool: nil, waitDrained: nil)).split?["blue"] == 100)
        let again = try desk.order(.flip(service: "shop", pool: "blue", waitDrained: nil))
        #expect(!again.changed && again.epoch == 3 && again.sequence == nil)
        #expect(desk.refusal(.flip(service: "blog", pool: nil, waitDrained: nil))?.exitCode == 2)
    }

    @Test("unknown names are refused with those there are, and nothing changes")
    func unknown() throws {
        let desk = try ReleaseFixture()
        let service = desk.refusal(.flip(service: "shpo", pool: "green", waitDrained: nil))
        #expect(service?.exitCode == 4 && service?.hint == "services: shop, blog")
        let pool = desk.refusal(.flip(service: "shop", pool: "red", waitDrained: nil))
        #expect(pool?.exitCode == 4 && pool?.hint == "pools: blue, green")
        let target = desk.refusal(.removeTarget(service: "shop", pool: "blue", address: "127.0.0.1:9", wait: nil))
        #expect(target?.exitCode == 4 && target?.hint == "targets: 127.0.0.1:1, 127.0.0.1:2")
        #expect(desk.proxy.epoch == 1 && desk.desk.journal.nextSequence == 1)
    }

    @Test("another epoch than the one seen refuses with 5")
    func stale() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(Self.flip, ifEpoch: 7)?.exitCode == 5)
        try desk.order(Self.flip, ifEpoch: 1)
        #expect(desk.refusal(.rollback(service: "shop"), ifEpoch: 1)?.status == 412)
    }

    @Test("a pool that cannot serve gets no traffic, unless forced; the reasons are told")
    func preflight() throws {
        let desk = try ReleaseFixture()
        desk.fitness.set("127.0.0.1:3", "connect refused")
        let refusal = desk.refusal(Self.flip)
        #expect(refusal?.exitCode == 6)
        #expect(refusal?.targets == [.init(target: "127.0.0.1:3", reason: "connect refused")])
        #expect(desk.proxy.epoch == 1 && desk.desk.journal.nextSequence == 1 && desk.shares == [1_000_000, 0])
        #expect(try desk.order(Self.flip, forced: true).changed)
    }

    @Test("rollback goes to the split before, and back again")
    func rollback() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(.rollback(service: "shop"))?.exitCode == 5)
        try desk.order(
            .split(
                service: "shop", shares: [.init(pool: "green", partsPerMillion: 50_000), .init(pool: "blue", partsPerMillion: 950_000)],
                waitDrained: nil))
        try desk.order(Self.flip)
        #expect(try desk.order(.rollback(service: "shop")).split == ["blue": 95, "green": 5])
        #expect(try desk.order(.rollback(service: "shop")).split == ["blue": 0, "green": 100])
    }

    @Test("a split must make a whole of known pools; from-config gives the file its say again")
    func split() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(.split(service: "shop", shares: [.init(pool: "blue", partsPerMillion: 5)], waitDrained: nil))?.exitCode == 2)
        try desk.order(Self.flip)
        #expect(try desk.order(.adoptFile(service: "shop")).split == ["blue": 100, "green": 0])
        #expect(try !desk.order(.adoptFile(service: "shop")).changed)
    }

    @Test("a drained target is closed only after every loop knows, and opens again before any may choose it")
    func drain() throws {
        let desk = try ReleaseFixture()
        let target = try #require(desk.target("127.0.0.1:1"))
        try desk.order(.close(service: "shop", places: [Self.blueFirst], as: .draining, wait: .seconds(5)))
        #expect(target.isClosed && !target.claim())
        #expect(desk.proxy.snapshot.service(named: "shop")?.pools[0].ready.map(\.target.identity.text) == ["127.0.0.1:2"])
        #expect(desk.target("127.0.0.1:1") === target, "counters and connections are kept")
        try desk.order(.open(service: "shop", places: [Self.blueFirst]))
        #expect(!target.isClosed && target.claim())
        target.release()
        #expect(desk.proxy.release.services.isEmpty, "nothing is left of it")
    }

    @Test("opening one target of a drained pool leaves the others drained")
    func openOne() throws {
        let desk = try ReleaseFixture()
        try desk.order(.close(service: "shop", places: [.init(pool: "blue")], as: .maintenance, wait: nil), forced: true)
        try desk.order(.open(service: "shop", places: [Self.blueFirst]))
        let members = desk.proxy.snapshot.service(named: "shop")?.pools[0].members
        #expect(members?.map(\.closed) == [nil, .maintenance])
    }

    @Test("the last healthy target of a pool with traffic is not drained unless forced; a dead one may always go")
    func drainLast() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(.close(service: "shop", places: [.init(pool: "blue")], as: .draining, wait: nil))?.exitCode == 6)
        desk.fitness.set("127.0.0.1:1", "dead")
        #expect(
            desk.refusal(.close(service: "shop", places: [.init(pool: "blue", target: "127.0.0.1:2")], as: .draining, wait: nil)) != nil)
        desk.fitness.set("127.0.0.1:2", "dead too")
        try desk.order(.close(service: "shop", places: [Self.blueFirst], as: .draining, wait: nil))
    }

    @Test("a wait ends at zero, or with 9 at its deadline")
    func waits() throws {
        let desk = try ReleaseFixture()
        let target = try #require(desk.target("127.0.0.1:1"))
        #expect(target.claim())
        let late = try desk.order(.flip(service: "shop", pool: "green", waitDrained: .milliseconds(30)))
        #expect(late.exitCode == 9 && late.outcome == "not-drained" && late.inFlight.map(\.exchanges) == [1])
        #expect(desk.shares == [0, 1_000_000], "switched all the same")
        let pending = desk.begin(.flip(service: "shop", pool: "green", waitDrained: .seconds(20)))
        #expect(pending.wait(for: .milliseconds(20))[0] == nil)
        target.release()
        #expect(try pending.wait(for: .seconds(20))[0]?.get().exitCode == 0)
    }

    @Test("targets come and go at run time; one of the file that was removed comes back as the same place")
    func targets() throws {
        let desk = try ReleaseFixture()
        try desk.order(.addTarget(service: "shop", pool: "blue", address: "127.0.0.1:7", weight: 3))
        #expect(desk.targets(of: "blue") == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:7"])
        #expect(desk.refusal(.addTarget(service: "shop", pool: "blue", address: "127.0.0.1:7", weight: 1))?.exitCode == 5)
        #expect(desk.refusal(.addTarget(service: "shop", pool: "blue", address: "http://x", weight: 1))?.exitCode == 2)
        #expect(desk.refusal(.addTarget(service: "shop", pool: "blue", address: "127.0.0.1:8", weight: 0))?.exitCode == 2)
        let leaving = try #require(desk.target("127.0.0.1:1"))
        try desk.order(.removeTarget(service: "shop", pool: "blue", address: "127.0.0.1:1", wait: .seconds(1)))
        #expect(leaving.isRetired && desk.targets(of: "blue") == ["127.0.0.1:2", "127.0.0.1:7"])
        try desk.order(.removeTarget(service: "shop", pool: "blue", address: "127.0.0.1:7", wait: nil))
        try desk.order(.addTarget(service: "shop", pool: "blue", address: "127.0.0.1:1", weight: 1))
        #expect(desk.targets(of: "blue") == ["127.0.0.1:1", "127.0.0.1:2"])
        #expect(desk.proxy.release.services.isEmpty)
        try desk.order(.setWeight(service: "shop", pool: "blue", address: "127.0.0.1:2", weight: 9))
        #expect(desk.proxy.snapshot.service(named: "shop")?.pools[0].members.map(\.weight) == [1, 9])
    }

    @Test("undo walks back, change by change; undo to a record restores the state right after it")
    func undo() throws {
        let desk = try ReleaseFixture()
        #expect(desk.refusal(.undo(to: nil))?.exitCode == 4)
        try desk.order(Self.flip)  // 1, its receipt is 2
        try desk.order(.close(service: "shop", places: [Self.blueFirst], as: .draining, wait: nil))  // 3
        let afterBoth = desk.proxy.release
        try desk.order(.undo(to: nil))
        #expect(desk.proxy.release["shop"].closed.isEmpty && desk.shares == [0, 1_000_000])
        try desk.order(.undo(to: nil))
        #expect(desk.proxy.release.services.isEmpty && desk.shares == [1_000_000, 0])
        #expect(desk.refusal(.undo(to: nil)) != nil)
        try desk.order(.undo(to: 3))
        #expect(desk.proxy.release == afterBoth)
        #expect(desk.refusal(.undo(to: 99))?.exitCode == 4)
        #expect(desk.desk.journal.state(after: desk.desk.journal.nextSequence - 1) == afterBoth)
    }

    @Test("a switch asks no name server: only an address that is new is looked up, and refused where it has none")
    func names() throws {
        let silent = Resolver(deadline: .seconds(5)) { host, port in
            .failure(.init(endpoint: .tcp(host: host, port: port), reason: "no name server"))
        }
        let file = ReleaseFixture.shop.replacing("127.0.0.1:3", with: "localhost:3")
        let desk = try ReleaseFixture(file, resolver: silent)
        try desk.order(Self.flip)
        #expect(desk.shares == [0, 1_000_000])
        let refusal = desk.refusal(.addTarget(service: "shop", pool: "blue", address: "nowhere.test:1", weight: 1))
        #expect(refusal?.name == "cannot-resolve" && desk.proxy.epoch == 2)
    }

    @Test("a journal that cannot be written refuses the command, and nothing has changed")
    func fullDisk() throws {
        var disk = JournalDisk.system
        let isFull = Flag()
        let write = disk.write
        disk.write = { isFull.isSet ? -Int(ENOSPC) : write($0, $1, $2) }
        let desk = try ReleaseFixture(disk: disk)
        try desk.order(Self.flip)
        isFull.isSet = true
        let refusal = desk.refusal(.rollback(service: "shop"))
        #expect(refusal?.exitCode == 1 && refusal?.name == "journal")
        #expect(desk.proxy.epoch == 2 && desk.shares == [0, 1_000_000])
        isFull.isSet = false
        try desk.order(.rollback(service: "shop"))
        #expect(desk.shares == [1_000_000, 0])
    }

    @Test("a loop that keeps silent makes the receipt say so, with 8; the state is what it says")
    func stalled() throws {
        let desk = try ReleaseFixture()
        desk.fixture.workers[1].stick(true)
        let receipt = try desk.order(Self.flip)
        #expect(receipt.exitCode == 8 && receipt.outcome == "unconfirmed")
        #expect(receipt.acknowledgements.map { $0.microseconds == nil } == [false, true])
        #expect(desk.shares == [0, 1_000_000])
    }

    @Test("what was switched stays switched over a reload; the file's own change is told, not taken")
    func reload() throws {
        let desk = try ReleaseFixture()
        try desk.order(Self.flip)
        let changed = ReleaseFixture.shop.replacing("split: { blue: 100 }", with: "split: { blue: 1, green: 1 }")
        let diff = try #require(desk.fixture.reload(changed).diff)
        #expect(desk.shares == [0, 1_000_000])
        #expect(diff.contains { $0.contains("the live split of shop, green 100, stays") }, "\(diff)")
    }

    @Test("a flip to where the file has the traffic already holds it there")
    func pinned() throws {
        let desk = try ReleaseFixture()
        try desk.order(.flip(service: "shop", pool: "blue", waitDrained: nil))
        #expect(desk.refusal(.rollback(service: "shop"))?.exitCode == 5, "nothing was switched")
        _ = desk.fixture.reload(ReleaseFixture.shop.replacing("split: { blue: 100 }", with: "split: { green: 100 }"))
        #expect(desk.shares == [1_000_000, 0])
    }

    @Test("a live split whose pool is gone gives way to the file's, for that service alone, and that is told")
    func poolGone() throws {
        let desk = try ReleaseFixture()
        try desk.order(Self.flip)
        let changed = ReleaseFixture.shop.replacing("green: { targets: [\"127.0.0.1:3\"] }", with: "teal: { targets: [\"127.0.0.1:3\"] }")
        let diff = try #require(desk.fixture.reload(changed).diff)
        #expect(desk.shares == [1_000_000, 0])
        #expect(diff.contains { $0.contains("green, which is gone") }, "\(diff)")
        #expect(desk.proxy.notes.map(\.service) == ["shop"])
    }
}

/// Shared with closures.
final class Flag: Sendable {
    private let held = Held()
    private final class Held: @unchecked Sendable { var isSet = false }  // SAFETY: one thread at a time: tests wait for each answer.
    var isSet: Bool {
        get { held.isSet }
        set { held.isSet = newValue }
    }
}
