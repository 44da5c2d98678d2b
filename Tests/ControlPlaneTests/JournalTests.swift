@testable internal import ControlPlane
internal import Policy
internal import TestSupport
internal import Testing

@Suite("Journal")
struct JournalTests {
    @Test("a new journal is empty, and numbers its records from one")
    func new() throws {
        let fixture = try JournalFixture()
        #expect(fixture.recovery == .init())
        #expect(fixture.expected == ReleaseState())
        #expect(try fixture.flip(to: "green") == 1)
        #expect(try fixture.flip(to: "blue") == 2)
        #expect(try Program.run(["stat", "-c", "%a", fixture.path]).output == "600\n")
    }

    @Test("what random commands came to is what a replay comes to")
    func replay() throws {
        var random = SeededRandom.announced("journal replay")
        let fixture = try JournalFixture()
        for _ in 0..<20 {
            for _ in 0..<10 { try fixture.step(&random) }
            let expected = fixture.expected
            let records = fixture.journal.records(service: nil, limit: 1000)
            try fixture.reopen()
            #expect(fixture.expected == expected)
            #expect(fixture.journal.records(service: nil, limit: 1000) == records)
            #expect(fixture.recovery == .init(records: records.count))
        }
    }

    @Test("every part of a service's state survives the file")
    func wholeState() throws {
        var release = ServiceRelease()
        release.split = [.init(pool: "a", partsPerMillion: 1), .init(pool: "b", partsPerMillion: 999_999)]
        release.previousSplit = []
        release.pause = PauseOrder(maxWaitMilliseconds: 1, requests: 2, bytes: 3)
        release.closed = [
            .init(place: .init(pool: "a"), state: .maintenance), .init(place: .init(pool: "a", target: "x:1"), state: .draining),
        ]
        release.added = [.init(pool: "a", address: "y:2", weight: 7)]
        release.removed = [.init(pool: "b", target: "z:3")]
        release.weights = [.init(place: .init(pool: "b", target: "z:4"), weight: 9)]
        // A part that is new since this test was written must be added to it, and to the journal.
        let untouched = Mirror(reflecting: ServiceRelease()).children.map { "\($0.value)" }
        for (child, empty) in zip(Mirror(reflecting: release).children, untouched) { #expect("\(child.value)" != empty) }
        let fixture = try JournalFixture()
        try fixture.change("shop", to: release)
        try fixture.reopen()
        #expect(fixture.expected["shop"] == release)
    }

    @Test("undo walks back through what was not taken back yet")
    func undo() throws {
        let fixture = try JournalFixture()
        try fixture.flip(to: "green")
        try fixture.flip(to: "blue")
        try fixture.receipt(of: 2)
        #expect(try fixture.undo() == 2)
        try fixture.flip("api", to: "red")
        try fixture.reopen()
        #expect(try fixture.undo() == 5)
        #expect(try fixture.undo() == 1)
        #expect(try fixture.undo() == nil)
        #expect(fixture.expected == ReleaseState())
    }

    @Test("the state after each record can be had, the empty one before the first, none behind the last")
    func stateAfter() throws {
        var random = SeededRandom.announced("journal states")
        let fixture = try JournalFixture()
        var states = [ReleaseState()]
        for _ in 0..<40 {
            try fixture.step(&random)
            while UInt64(states.count) < fixture.journal.nextSequence { states.append(fixture.expected) }
        }
        for (sequence, state) in states.enumerated() { #expect(fixture.journal.state(after: UInt64(sequence)) == state) }
        #expect(fixture.journal.state(after: fixture.journal.nextSequence) == nil)
        #expect(fixture.journal.state(after: .max) == nil)
    }

    @Test("history is newest first, of one service with the receipts that belong to it")
    func history() throws {
        let fixture = try JournalFixture()
        for (service, pool) in [("shop", "a"), ("api", "b"), ("shop", "c")] { try fixture.receipt(of: fixture.flip(service, to: pool)) }
        #expect(fixture.journal.records(service: nil, limit: 3).map(\.sequence) == [6, 5, 4])
        #expect(fixture.journal.records(service: "shop", limit: 10).map(\.sequence) == [6, 5, 2, 1])
        #expect(fixture.journal.records(service: "api", limit: 1).map(\.sequence) == [4])
        #expect(fixture.journal.records(service: "none", limit: 10).isEmpty)
        #expect(fixture.journal.records(service: nil, limit: 0).isEmpty)
        #expect(fixture.journal.records(service: nil, limit: -1).isEmpty)
    }

    @Test("a record out of turn is refused")
    func outOfTurn() throws {
        let fixture = try JournalFixture()
        #expect(throws: JournalError.outOfTurn(expected: 1, found: 2)) { try fixture.journal.append(.change(2, [])) }
        #expect(throws: JournalError.outOfTurn(expected: 1, found: 0)) { try fixture.journal.append(.change(0, [])) }
        #expect(try fixture.flip(to: "green") == 1)
    }

    @Test("each line follows the one before by its SHA-256, as other tools compute it")
    func chain() throws {
        let fixture = try JournalFixture()
        try fixture.flip(to: "green")
        try fixture.flip(to: "blue")
        let script = """
            import hashlib, json, sys
            lines = open(sys.argv[1], 'rb').read().rstrip(b'\\0').decode().splitlines()
            assert json.loads(lines[0]) == {'format': 1}
            last = '0' * 64
            for line in lines[1:]:
                fields = json.loads(line)
                assert fields['previous'] == last
                last = fields['hash']
                assert hashlib.sha256(('{' + line[len('{"hash":"",') + 64:]).encode()).hexdigest() == last
            print(len(lines))
            """
        let result = try Program.run(["python3", "-c", script, fixture.path])
        #expect(result.output == "3\n", "\(result.errors)")
    }
}
