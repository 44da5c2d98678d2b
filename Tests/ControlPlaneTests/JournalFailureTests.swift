@testable internal import ControlPlane
internal import Glibc
internal import Policy
internal import TestSupport
internal import Testing

@Suite("Journal on a failing disk")
struct JournalFailureTests {
    @Test("a full disk refuses the command, changes nothing, and takes the next when there is room")
    func full() throws {
        for room in stride(from: 13, to: 1500, by: 7) {
            let disk = FaultyDisk()
            let fixture = try JournalFixture(disk: disk.journalDisk, limits: .init(ahead: 256))
            try fixture.flip(to: "green")
            let expected = fixture.expected
            disk.set { $0.room = room }
            var taken = 0
            do {
                for _ in 0..<20 {
                    try fixture.flip(to: "blue")
                    taken += 1
                }
                Issue.record("never full")
            } catch let error as JournalError {
                #expect(error == .cannotWrite(reason: "No space left on device"))
            }
            #expect(fixture.journal.nextSequence == UInt64(taken) + 2)
            disk.set { $0.room = nil }
            if taken == 0 { #expect(fixture.expected == expected) }
            #expect(try fixture.flip(to: "red") == UInt64(taken) + 2)
            let after = fixture.expected
            try fixture.reopen()
            #expect(fixture.expected == after && fixture.recovery == .init(records: taken + 2))
        }
    }

    @Test("a real full disk does the same", .enabled(if: geteuid() == 0 && Program.find("mount") != nil))
    func reallyFull() throws {
        let folder = try TemporaryFolder()
        guard try Program.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder.path]).succeeded else { return }
        defer { _ = try? Program.run(["umount", "-l", folder.path]) }
        let (journal, _, _) = try Journal.open(directory: folder.path)
        var taken: UInt64 = 0
        #expect(throws: JournalError.cannotWrite(reason: "No space left on device")) {
            while true {
                try journal.append(.change(taken + 1, []))
                taken += 1
            }
        }
        #expect(taken > 100)
        let (again, _, recovery) = try Journal.open(directory: folder.path)
        #expect(again.nextSequence == taken + 1 && recovery == .init(records: Int(taken)))
    }

    @Test("a read-only folder refuses each command and goes on when it can be written")
    func readOnly() throws {
        let disk = FaultyDisk()
        let fixture = try JournalFixture(disk: disk.journalDisk)
        try fixture.flip(to: "green")
        disk.set { $0.isReadOnly = true }
        for _ in 0..<2 { #expect(throws: JournalError.self) { try fixture.flip(to: "blue") } }
        disk.set { $0.isReadOnly = false }
        #expect(try fixture.flip(to: "red") == 2)
        try fixture.reopen()
        #expect(fixture.expected["shop"].split == [.init(pool: "red", partsPerMillion: 1_000_000)])
    }

    @Test("a folder that is read-only from the start takes no command, says so, and begins when it can")
    func readOnlyFromStart() throws {
        let disk = FaultyDisk()
        disk.set { $0.isReadOnly = true }
        let fixture = try JournalFixture(disk: disk.journalDisk)
        #expect(fixture.recovery.trouble?.contains("Read-only file system") == true)
        #expect(throws: JournalError.self) { try fixture.flip(to: "green") }
        disk.set { $0.isReadOnly = false }
        #expect(try fixture.flip(to: "green") == 1)
    }

    @Test("after a failed sync nothing is claimed, and the file is written anew before the next record")
    func failedSync() throws {
        let disk = FaultyDisk()
        let fixture = try JournalFixture(disk: disk.journalDisk)
        try fixture.flip(to: "green")
        disk.set { $0.syncFails = true }
        #expect(throws: JournalError.cannotWrite(reason: "Input/output error")) { try fixture.flip(to: "blue") }
        #expect(throws: JournalError.unusable(reason: "Input/output error")) { try fixture.flip(to: "blue") }
        #expect(fixture.journal.state(after: 1) == fixture.expected && fixture.journal.nextSequence == 2)
        disk.set { $0.syncFails = false }
        let inode = try Program.run(["stat", "-c", "%i", fixture.path]).output
        #expect(try fixture.flip(to: "red") == 2)
        #expect(try Program.run(["stat", "-c", "%i", fixture.path]).output != inode)
        let expected = fixture.expected
        try fixture.reopen()
        #expect(fixture.expected == expected && fixture.recovery == .init(records: 2))
    }

    @Test("when a torn line cannot be taken back, the file is written anew before the next record")
    func failedTruncate() throws {
        let disk = FaultyDisk()
        let fixture = try JournalFixture(disk: disk.journalDisk, limits: .init(ahead: 0))
        try fixture.flip(to: "green")
        disk.set {
            $0.truncateFails = true
            $0.room = 700
        }
        #expect(throws: JournalError.self) { while true { try fixture.flip(to: "blue") } }
        #expect(throws: JournalError.self) { try fixture.flip(to: "blue") }
        disk.set { $0.room = nil }
        try fixture.flip(to: "red")
        let expected = fixture.expected
        try fixture.reopen()
        #expect(fixture.expected == expected && fixture.recovery.damage == nil)
    }

    @Test("a journal that somebody removed while in use is written anew, with all that was in it")
    func removed() throws {
        let fixture = try JournalFixture()
        try fixture.flip(to: "green")
        unlink(fixture.path)
        try fixture.flip(to: "blue")
        let expected = fixture.expected
        try fixture.reopen()
        #expect(fixture.expected == expected && fixture.recovery == .init(records: 2))
    }

    @Test("a crash at any operation leaves all that was acknowledged, and at most one record more")
    func crashes() throws {
        var random = SeededRandom.announced("journal crashes")
        for crash in 0..<120 {
            let disk = FaultyDisk()
            let fixture = try JournalFixture(disk: disk.journalDisk, limits: .init(kept: 4, records: 9, ahead: 512))
            disk.set { $0.crashAfter = crash }
            var last = ReleaseState()
            var acknowledged: UInt64 = 0
            var attempted = ReleaseState()
            while true {
                let pool = "p\(UInt32.random(in: 0...9, using: &random))"
                attempted = fixture.expected
                attempted["shop"].previousSplit = attempted["shop"].split
                attempted["shop"].split = [.init(pool: pool, partsPerMillion: 1_000_000)]
                guard let sequence = try? fixture.flip(to: pool) else { break }
                acknowledged = sequence
                last = fixture.expected
            }
            try fixture.reopen()
            let found = fixture.journal.nextSequence - 1
            #expect(found == acknowledged || found == acknowledged + 1, "crash at \(crash)")
            #expect(fixture.expected == (found == acknowledged ? last : attempted), "crash at \(crash)")
            #expect(try fixture.flip(to: "end") == found + 1)
        }
    }

    @Test("compaction keeps the state and the newest records; older states are gone, and numbers go on")
    func compaction() throws {
        var random = SeededRandom.announced("journal compaction")
        let limits = Journal.Limits(kept: 10, records: 50)
        let fixture = try JournalFixture(disk: FaultyDisk().journalDisk, limits: limits)
        for _ in 0..<500 {
            try fixture.step(&random)
            let lines = text(of: fixture.path).split(separator: "\n").count
            #expect(lines <= 104)
        }
        let expected = fixture.expected
        let next = fixture.journal.nextSequence
        let newest = fixture.journal.records(service: nil, limit: 10)
        try fixture.reopen()
        #expect(fixture.expected == expected && fixture.journal.nextSequence == next)
        #expect(fixture.journal.records(service: nil, limit: 10) == newest)
        #expect(fixture.recovery.damage == nil && fixture.recovery.records < 105)
        #expect(fixture.journal.state(after: 0) == nil)
        #expect(fixture.journal.state(after: next - 1) == expected)
    }

    @Test("records longer than the limit do not make each command compact")
    func longRecords() throws {
        let disk = FaultyDisk()
        let fixture = try JournalFixture(disk: disk.journalDisk, limits: .init(kept: 10, records: 1000, bytes: 1000, ahead: 0))
        for index in 0..<100 { try fixture.receipt(of: fixture.flip(to: "p\(index)")) }
        // Two for each command (write, sync; the receipt's write), and a few for a compaction now and then.
        #expect(disk.changes < 500)
        #expect(fixture.journal.compactionFailure == nil)
    }

    @Test("a compaction that fails is told, and the journal goes on")
    func failedCompaction() throws {
        var disk = FaultyDisk().journalDisk
        disk.rename = { from, to in from.hasSuffix(".new") && access(to, F_OK) == 0 ? -Int(EACCES) : Int(Glibc.rename(from, to)) }
        let fixture = try JournalFixture(disk: disk, limits: .init(kept: 2, records: 5))
        for index in 0..<30 { try fixture.receipt(of: fixture.flip(to: "p\(index)")) }
        #expect(fixture.journal.compactionFailure == "the journal cannot be written: Permission denied")
        let expected = fixture.expected
        try fixture.reopen()
        #expect(fixture.expected == expected && fixture.recovery == .init(records: 60))
    }
}
