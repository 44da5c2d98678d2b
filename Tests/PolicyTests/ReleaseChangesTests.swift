import Policy
import Testing

@Suite("Release changes")
struct ReleaseChangesTests {
    typealias Place = ServiceRelease.Place

    static func all(_ pool: String) -> [ServiceRelease.Share] { [.init(pool: pool, partsPerMillion: 1_000_000)] }
    let file = FileService(
        pools: [
            .init(name: "blue", targets: [.init(address: "a:1"), .init(address: "b:2", weight: 5)]),
            .init(name: "green", targets: [.init(address: "c:3")]),
        ], split: all("blue"))
    let empty = ServiceRelease()

    @Test("a new split remembers the one before, the same one again changes nothing, and rollback goes to and fro")
    func split() throws {
        let flipped = try empty.settingSplit(Self.all("green"), file: file)
        #expect(flipped.liveSplit(file) == Self.all("green") && flipped.previousSplit == Self.all("blue"))
        #expect(try flipped.settingSplit(Self.all("green"), file: file) == flipped)
        let back = try flipped.rollingBack(file)
        #expect(back.liveSplit(file) == Self.all("blue") && back.previousSplit == Self.all("green"))
        #expect(try back.rollingBack(file) == flipped)
    }

    @Test("a split ordered as the file has it stays when the file changes; an adopted one follows it")
    func pinned() throws {
        var changed = file
        changed.split = Self.all("green")
        let pinned = try empty.settingSplit(Self.all("blue"), file: file)
        #expect(pinned.previousSplit == nil && pinned.liveSplit(changed) == Self.all("blue"))
        let adopted = pinned.adoptingFile(changed)
        #expect(adopted.split == nil && adopted.previousSplit == Self.all("blue"))
        #expect(adopted.adoptingFile(changed) == adopted)
        #expect(empty.adoptingFile(file) == empty)
    }

    @Test("a split or a rollback to a pool that is gone, and a rollback to nothing, are refused")
    func refusedSplit() throws {
        #expect(throws: ReleaseRefusal.unknownPool("red")) { try empty.settingSplit(Self.all("red"), file: file) }
        #expect(throws: ReleaseRefusal.noPreviousSplit) { try empty.rollingBack(file) }
        let flipped = try empty.settingSplit(Self.all("green"), file: file)
        var smaller = file
        smaller.pools.removeFirst()
        #expect(throws: ReleaseRefusal.unknownPool("blue")) { try flipped.rollingBack(smaller) }
    }

    @Test("the other pool is that of two which has no traffic")
    func otherPool() throws {
        #expect(try empty.otherPool(file) == "green")
        #expect(try empty.settingSplit(Self.all("green"), file: file).otherPool(file) == "blue")
        let both = try empty.settingSplit(SplitWeights.shares(["blue": "1", "green": "1"], among: ["blue", "green"]), file: file)
        #expect(throws: ReleaseRefusal.noOtherPool) { try both.otherPool(file) }
        var three = file
        three.pools.append(.init(name: "red", targets: []))
        #expect(throws: ReleaseRefusal.noOtherPool) { try empty.otherPool(three) }
    }

    @Test("closed places are sorted, once each, in their newest state; opening a pool opens its targets")
    func closing() throws {
        let pool = Place(pool: "blue")
        let target = Place(pool: "blue", target: "b:2")
        let closed = try empty.closing([target, pool, target], as: .draining, file: file)
        #expect(closed.closed.map(\.place) == [pool, target])
        #expect(try closed.closing([target], as: .maintenance, file: file).closed.map(\.state) == [.draining, .maintenance])
        #expect(try closed.opening([pool], file: file) == empty)
        #expect(try closed.opening([target, pool], file: file) == empty)
        #expect(try empty.opening([pool, target], file: file) == empty)
        #expect(throws: ReleaseRefusal.poolIsClosed(target)) { try closed.opening([target], file: file) }
    }

    @Test("places that do not exist are refused")
    func unknownPlaces() {
        let stranger = Place(pool: "blue", target: "c:3")
        #expect(throws: ReleaseRefusal.unknownTarget(stranger)) { try empty.closing([stranger], as: .draining, file: file) }
        #expect(throws: ReleaseRefusal.unknownTarget(stranger)) { try empty.opening([stranger], file: file) }
        #expect(throws: ReleaseRefusal.unknownPool("red")) { try empty.closing([.init(pool: "red")], as: .draining, file: file) }
        #expect(throws: ReleaseRefusal.unknownTarget(stranger)) { try empty.removingTarget("c:3", from: "blue", file: file) }
        #expect(throws: ReleaseRefusal.unknownTarget(stranger)) { try empty.settingWeight(2, of: "c:3", in: "blue", file: file) }
        #expect(throws: ReleaseRefusal.unknownPool("red")) { try empty.addingTarget("x:1", to: "red", file: file) }
    }

    @Test("a target added at run time leaves no trace when removed, with what was said of it")
    func runtimeTarget() throws {
        let added = try empty.addingTarget("x:9", to: "green", weight: 3, file: file)
        #expect(added.added == [.init(pool: "green", address: "x:9", weight: 3)])
        let place = Place(pool: "green", target: "x:9")
        #expect(throws: ReleaseRefusal.duplicateTarget(place)) { try added.addingTarget("x:9", to: "green", file: file) }
        let busy = try added.closing([place], as: .draining, file: file).settingWeight(7, of: "x:9", in: "green", file: file)
        #expect(busy.added.map(\.weight) == [7] && busy.weights.isEmpty)
        #expect(try busy.removingTarget("x:9", from: "green", file: file) == empty)
    }

    @Test("a target of the file can be removed, is then unknown, and comes back when added")
    func fileTarget() throws {
        let place = Place(pool: "blue", target: "b:2")
        #expect(throws: ReleaseRefusal.duplicateTarget(place)) { try empty.addingTarget("b:2", to: "blue", file: file) }
        let removed = try empty.removingTarget("b:2", from: "blue", file: file)
        #expect(removed.removed == [place])
        #expect(throws: ReleaseRefusal.unknownTarget(place)) { try removed.removingTarget("b:2", from: "blue", file: file) }
        #expect(throws: ReleaseRefusal.unknownTarget(place)) { try removed.closing([place], as: .draining, file: file) }
        #expect(try removed.addingTarget("b:2", to: "blue", weight: 5, file: file) == empty)
        #expect(try removed.addingTarget("b:2", to: "blue", weight: 1, file: file).weights == [.init(place: place, weight: 1)])
    }

    @Test("a target that was added first and stands in the file by now is removed from both, and weighed in both")
    func both() throws {
        let added = try empty.addingTarget("x:9", to: "green", file: file)
        var later = file
        later.pools[1].targets.append(.init(address: "x:9"))
        let weighed = try added.settingWeight(4, of: "x:9", in: "green", file: later)
        #expect(weighed.added.map(\.weight) == [4] && weighed.weights.map(\.weight) == [4])
        let removed = try weighed.removingTarget("x:9", from: "green", file: later)
        #expect(removed.added.isEmpty && removed.weights.isEmpty && removed.removed == [.init(pool: "green", target: "x:9")])
    }

    @Test("weights are 1 to 1000", arguments: [0, -1, 1001, .max, .min])
    func weights(_ weight: Int) {
        #expect(throws: ReleaseRefusal.weightOutOfRange(weight)) { try empty.settingWeight(weight, of: "a:1", in: "blue", file: file) }
        #expect(throws: ReleaseRefusal.weightOutOfRange(weight)) { try empty.addingTarget("x:1", to: "blue", weight: weight, file: file) }
    }

    @Test("pause and resume are idempotent")
    func pause() {
        let order = PauseOrder(maxWaitMilliseconds: 1, requests: 2, bytes: 3)
        #expect(empty.pausing(order).pause == order && empty.pausing(order).pausing(order) == empty.pausing(order))
        #expect(empty.pausing(order).resuming() == empty && empty.resuming() == empty)
    }

    @Test("changes to different places come to the same in any order, and twice is once")
    func order() throws {
        var random = SeededRandom.announced("order of changes")
        let changes: [(ServiceRelease) throws -> ServiceRelease] = [
            { try $0.closing([.init(pool: "green")], as: .draining, file: file) },
            { try $0.closing([.init(pool: "blue", target: "a:1")], as: .maintenance, file: file) },
            { try $0.settingWeight(9, of: "a:1", in: "blue", file: file) },
            { try $0.settingWeight(8, of: "c:3", in: "green", file: file) },
            { try $0.settingSplit(Self.all("green"), file: file) },
            { $0.pausing(.init(maxWaitMilliseconds: 1, requests: 1, bytes: 1)) },
        ]
        let once: [(ServiceRelease) throws -> ServiceRelease] = [
            { try $0.addingTarget("y:1", to: "blue", file: file) },
            { try $0.addingTarget("x:1", to: "green", file: file) },
            { try $0.removingTarget("b:2", from: "blue", file: file) },
        ]
        let expected = try (changes + once).reduce(empty) { try $1($0) }
        for _ in 0..<200 {
            let shuffled = (changes + changes + once).shuffled(using: &random)
            #expect(try shuffled.reduce(empty) { try $1($0) } == expected)
        }
    }
}
