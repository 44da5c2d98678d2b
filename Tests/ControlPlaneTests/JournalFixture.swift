@testable internal import ControlPlane
internal import Policy
internal import TestSupport

/// A journal in a folder of its own, and the commands that fill it.
final class JournalFixture {
    let folder: TemporaryFolder
    let disk: JournalDisk
    let limits: Journal.Limits
    private(set) var journal: Journal
    /// By assignment, apart from the journal's own fold: what replay must come to.
    private(set) var expected: ReleaseState
    private(set) var recovery: Journal.Recovery

    var path: String { folder["journal"] }

    init(disk: JournalDisk = .system, limits: Journal.Limits = .init()) throws {
        folder = try TemporaryFolder()
        self.disk = disk
        self.limits = limits
        (journal, expected, recovery) = try Journal.open(directory: folder.path, disk: disk, limits: limits)
    }

    /// As after a restart.
    func reopen() throws { (journal, expected, recovery) = try Journal.open(directory: folder.path, limits: limits) }

    /// "flip": all of the service to that pool.
    @discardableResult
    func flip(_ service: String = "shop", to pool: String) throws -> UInt64 {
        var after = expected[service]
        after.previousSplit = after.split
        after.split = [.init(pool: pool, partsPerMillion: 1_000_000)]
        return try change(service, to: after)
    }

    @discardableResult
    func change(_ service: String, to after: ServiceRelease, undoes: UInt64? = nil) throws -> UInt64 {
        let record = ReleaseRecord.change(
            journal.nextSequence, [.init(service: service, before: expected[service], after: after)], undoes: undoes)
        try journal.append(record)
        expected[service] = after
        return record.sequence
    }

    func receipt(of sequence: UInt64) throws {
        try journal.appendUnsynced(.receipt(journal.nextSequence, of: sequence))
    }

    /// Takes the newest change back; nil = there is none.
    @discardableResult
    func undo() throws -> UInt64? {
        guard let record = journal.newestUndoable(), case .change(let changes, _) = record.body, let change = changes.first else {
            return nil
        }
        try self.change(change.service, to: change.before, undoes: record.sequence)
        return record.sequence
    }

    /// One of everything that commands do, at random.
    func step(_ random: inout SeededRandom) throws {
        let service = ["shop", "api", "ü \"x\"\n\\ /"].randomElement(using: &random) ?? "shop"
        switch Int.random(in: 0..<10, using: &random) {
        case 0: try undo()
        case 1: try receipt(of: journal.nextSequence / 2)
        default: try change(service, to: .random(&random))
        }
    }
}

extension ReleaseRecord {
    static func change(_ sequence: UInt64, _ changes: [ServiceChange], undoes: UInt64? = nil) -> ReleaseRecord {
        ReleaseRecord(
            sequence: sequence, time: "2026-11-21T12:16:16.042Z", actor: "uid 0 (pid 1)", command: "flip shop green",
            reason: "tëst \u{0}\n",
            body: .change(changes, undoes: undoes))
    }

    static func receipt(_ sequence: UInt64, of: UInt64) -> ReleaseRecord {
        ReleaseRecord(
            sequence: sequence, time: "2026-11-21T12:16:16.043Z", actor: "uid 0 (pid 1)", command: "flip shop green", reason: nil,
            body: .receipt(of: of, .init(epoch: sequence, acknowledgedMicroseconds: [120, nil], inFlight: 3)))
    }
}

extension ServiceRelease {
    static func random(_ random: inout SeededRandom) -> ServiceRelease {
        var release = ServiceRelease()
        func some<T>(_ make: () -> T) -> [T] { (0..<Int.random(in: 0...2, using: &random)).map { _ in make() } }
        func place() -> Place {
            Place(pool: "blue", target: Bool.random(using: &random) ? "10.0.0.1:\(Int.random(in: 1...9, using: &random))" : nil)
        }
        if Bool.random(using: &random) {
            release.split = some { Share(pool: "blue", partsPerMillion: .random(in: 0...1_000_000, using: &random)) }
        }
        if Bool.random(using: &random) { release.previousSplit = some { Share(pool: "green", partsPerMillion: 1) } }
        if Bool.random(using: &random) {
            release.pause = PauseOrder(maxWaitMilliseconds: .random(in: 0...(.max), using: &random), requests: 2, bytes: 3)
        }
        release.closed = some { ClosedPlace(place: place(), state: Bool.random(using: &random) ? .draining : .maintenance) }
        release.added = some { RuntimeTarget(pool: "green", address: "[::1]:80", weight: .random(in: 1...1000, using: &random)) }
        release.removed = some { place() }
        release.weights = some { PlaceWeight(place: place(), weight: .random(in: 1...1000, using: &random)) }
        return release
    }
}
