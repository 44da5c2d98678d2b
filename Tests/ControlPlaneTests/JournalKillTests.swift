@testable internal import ControlPlane
internal import Glibc
internal import Policy
internal import TestSupport
internal import Testing

@Suite("Journal under kill -9")
struct JournalKillTests {
    /// Few, so that compaction is under way at some of the kills too.
    private static let limits = Journal.Limits(kept: 8, records: 20)

    @Test("after each of fifty kills at random instants the replay holds all that was acknowledged, and at most one more")
    func kills() async throws {
        var random = SeededRandom.announced("journal kills")
        let folder = try TemporaryFolder()
        var found: UInt64 = 0
        for _ in 0..<50 {
            let place = folder.path
            let delay = UInt32.random(in: 0...20_000, using: &random)
            await #expect(processExitsWith: .signal(SIGKILL)) { [place = place as String, delay = delay as UInt32] in
                try JournalKillTests.appendUntilKilled(place, after: delay)
            }
            let (journal, state, recovery) = try Journal.open(directory: folder.path, limits: Self.limits)
            let acknowledged = UInt64(text(of: folder["acknowledged"]).split(separator: "\n").last ?? "0") ?? 0
            // What this child did not live to acknowledge stands there too, and the next one builds on it.
            let certain = max(acknowledged, found)
            found = journal.nextSequence - 1
            #expect(found == certain || found == certain + 1, "\(certain) certain, \(found) found: \(recovery)")
            #expect(state == Self.state(after: found))
        }
        #expect(text(of: folder["acknowledged"]).split(separator: "\n").count > 50)
    }

    private static func change(_ sequence: UInt64) -> ReleaseRecord.ServiceChange {
        func release(_ number: UInt64) -> ServiceRelease {
            var release = ServiceRelease()
            if number > 0 { release.split = [.init(pool: "p\(number)", partsPerMillion: 1_000_000)] }
            return release
        }
        return .init(service: "s\(sequence % 3)", before: release(sequence > 3 ? sequence - 3 : 0), after: release(sequence))
    }

    private static func state(after sequence: UInt64) -> ReleaseState {
        var state = ReleaseState()
        for number in stride(from: max(3, sequence) - 2, through: sequence, by: 1) { state[change(number).service] = change(number).after }
        return state
    }

    /// The child's part. A line in a file is as good as one in a pipe: the kernel has it when the process dies.
    private static func appendUntilKilled(_ place: String, after delay: UInt32) throws {
        let (journal, _, _) = try Journal.open(directory: place, limits: limits)
        let report = open(place + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        onOwnThread {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        while true {
            let sequence = journal.nextSequence
            try journal.append(.change(sequence, [change(sequence)]))
            let line = Array("\(sequence)\n".utf8)
            _ = write(report, line, line.count)
        }
    }
}
