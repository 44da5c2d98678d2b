@testable internal import ControlPlane
internal import Glibc
internal import Policy
internal import TestSupport
internal import Testing

@Suite("Journal recovery")
struct JournalRecoveryTests {
    /// Bytes of a journal without preallocation, and the state after each number of its records.
    private static func sample(records: Int = 8, limits: Journal.Limits = .init(ahead: 0)) throws -> (
        bytes: [UInt8], states: [ReleaseState]
    ) {
        let fixture = try JournalFixture(disk: FaultyDisk().journalDisk, limits: limits)
        var states = [ReleaseState()]
        for index in 0..<records {
            if index % 3 == 2 { try fixture.receipt(of: UInt64(index)) } else { try fixture.flip("s\(index % 2)", to: "p\(index)") }
            states.append(fixture.expected)
        }
        return (TestSupport.contents(of: fixture.path) ?? [], states)
    }

    private func open(_ folder: TemporaryFolder) throws -> (Journal, ReleaseState, recovered: Journal.Recovery) {
        try Journal.open(directory: folder.path, disk: FaultyDisk().journalDisk, limits: .init(ahead: 0))
    }

    @Test("cut at any byte of its last three records it recovers to the whole records before", arguments: [0, 300])
    func truncated(zeros: Int) throws {
        let (bytes, states) = try Self.sample()
        let newlines = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
        let folder = try TemporaryFolder()
        for cut in (newlines[newlines.count - 4] + 1)...bytes.count {
            let whole = newlines.count { $0 < cut } - 1
            try put(Array(bytes.prefix(cut)) + [UInt8](repeating: 0, count: zeros), folder["journal"])
            let (journal, state, recovery) = try open(folder)
            #expect(state == states[whole] && journal.nextSequence == UInt64(whole) + 1 && recovery.trouble == nil)
            let torn = Array(bytes[(newlines[whole] + 1)..<cut])
            #expect((recovery.damage != nil) == !torn.isEmpty)
            if let place = recovery.movedTo { #expect(TestSupport.contents(of: place) == torn) } else { #expect(torn.isEmpty) }
            try journal.append(.change(journal.nextSequence, []))
            let again = try open(folder)
            #expect(again.recovered == .init(records: whole + 1) && again.1 == state)
        }
    }

    @Test("a flipped bit anywhere recovers to what stands before it, or refuses; nothing is lost, nothing traps")
    func flippedBits() throws {
        let (bytes, states) = try Self.sample()
        var random = SeededRandom.announced("flipped bits")
        for _ in 0..<300 {
            let folder = try TemporaryFolder()
            var damaged = bytes
            let place = Int.random(in: damaged.indices, using: &random)
            damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let before = bytes[..<place].count { $0 == UInt8(ascii: "\n") } - 1
            try put(damaged, folder["journal"])
            do {
                let (_, state, recovery) = try open(folder)
                // Zeros at the end are room, so a byte that became zero there may look like the end.
                #expect(state == states[max(0, before)], "bit at \(place)")
                #expect(before < 0 || recovery.movedTo != nil, "bit at \(place)")
            } catch {
                #expect(before < 0, "bit at \(place): \(error)")
                #expect(TestSupport.contents(of: folder["journal"]) == damaged)
            }
        }
    }

    @Test("any bytes at all are read without a trap")
    func garbage() throws {
        let (bytes, _) = try Self.sample()
        var random = SeededRandom.announced("journal garbage")
        for _ in 0..<200 {
            let folder = try TemporaryFolder()
            var garbage = bytes
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let at = Int.random(in: 0..<garbage.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: garbage[at] = .random(in: 0...255, using: &random)
                case 1: garbage.removeSubrange(at..<min(garbage.count, at + 30))
                default: garbage.insert(contentsOf: garbage[at..<min(garbage.count, at + 200)], at: at)
                }
            }
            try put(garbage, folder["journal"])
            _ = try? open(folder)
        }
    }

    @Test("a line that was taken out or edited ends what is believed")
    func tampered() throws {
        let (bytes, states) = try Self.sample()
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        let folder = try TemporaryFolder()
        try put(Array((lines[..<3] + lines[4...]).joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")], folder["journal"])
        let (_, state, recovery) = try open(folder)
        #expect(state == states[2])
        #expect(recovery.damage == "line 4: does not follow the record before it")
    }

    @Test("a format of the future, or what is no journal, is refused and left as it is")
    func foreign() throws {
        let folder = try TemporaryFolder()
        let path = folder["journal"]
        for (text, error) in [
            ("{\"format\":2}\n{}\n", JournalError.unknownFormat(path: path, found: "2")),
            ("hello\n", .unsound(path: path, line: 1, reason: "not the first line of a journal")),
            ("hello", .unsound(path: path, line: 1, reason: "not the first line of a journal")),
            (
                "{\"based_on\":3,\"format\":1}\n{}\n",
                .unsound(path: path, line: 2, reason: "the base that all later records build on is damaged")
            ),
        ] {
            try TestSupport.write(text, to: path)
            #expect(throws: error) { try open(folder) }
            #expect(TestSupport.text(of: path) == text)
        }
    }

    @Test("a sound line that this version does not understand is no damage: it refuses to begin without it")
    func unknownRecord() throws {
        let folder = try TemporaryFolder()
        let body = #""previous":"\#(JournalLine.noHash)","record":{"novelty":1}}"#
        let text = "{\"format\":1}\n{\"hash\":\"\(SHA256.hex(("{" + body).utf8))\",\(body)\n"
        try TestSupport.write(text, to: folder["journal"])
        #expect {
            try open(folder)
        } throws: {
            guard case .unsound(_, 2, _)? = $0 as? JournalError else { return false }
            return true
        }
        #expect(TestSupport.text(of: folder["journal"]) == text)
    }

    @Test("a folder in its place is refused with the reason")
    func folderInPlace() throws {
        let folder = try TemporaryFolder()
        _ = try Program.run(["mkdir", folder["journal"]])
        #expect(throws: JournalError.unreadable(path: folder["journal"], reason: "Is a directory")) { try open(folder) }
    }

    @Test("an empty file is a new journal", arguments: [0, 4096])
    func empty(zeros: Int) throws {
        let folder = try TemporaryFolder()
        try put([UInt8](repeating: 0, count: zeros), folder["journal"])
        let (journal, state, recovery) = try open(folder)
        #expect(state == ReleaseState() && recovery == .init() && journal.nextSequence == 1)
    }

    @Test("SHA-256 of the standard's examples")
    func sha256() {
        #expect(SHA256.hex([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256.hex("abc".utf8) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    private func put(_ bytes: [UInt8], _ path: String) throws {
        try TestSupport.write("", to: path)
        let descriptor = JournalDisk.system.open(path, 2)
        _ = JournalDisk.system.write(Int32(descriptor), bytes, 0)
        _ = close(Int32(descriptor))
    }
}
