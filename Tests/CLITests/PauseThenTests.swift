@testable internal import CLI
internal import Glibc
internal import Synchronization
internal import TestSupport
internal import Testing

/// `pause --then`: what is run, what is said, and what is never left half done.
@Suite struct PauseThenTests {
    /// A proxy whose split changes when the marker file is there: the hook's way to "flip". A rollback removes it.
    private func admin(pause: FakeAdmin.Response = .init(200, Sample.pauseReceipt()), rollback: Int = 200, marker: String) throws
        -> FakeAdmin
    {
        try FakeAdmin { request in
            if request.method == "GET" {
                return .init(200, access(marker, F_OK) == 0 ? Sample.status(blue: 0, green: 100) : Sample.status())
            }
            if request.target.hasSuffix("/pause") { return pause }
            if request.target.hasSuffix("/rollback") {
                guard rollback == 200 else { return Sample.problem(rollback, 6) }
                unlink(marker)
            }
            return .init(200, Sample.receipt())
        }
    }

    private func verbs(_ admin: FakeAdmin) -> [String] {
        admin.orders.compactMap { $0.split(separator: " ")[1].split(separator: "/").last.map(String.init) }
    }

    @Test("success: paused, run with its environment, resumed")
    func success() throws {
        let folder = try TemporaryFolder()
        let admin = try admin(marker: folder["marker"])
        let result = try admin.sluice("pause|shop|--reason|why|--then|echo \"$SLUICE_SERVICE $SLUICE_SOCKET\" > \(folder["said"])")
        #expect(result.code == .done)
        #expect(text(of: folder["said"]) == "shop \(admin.path)\n")
        #expect(
            admin.orders == [
                "POST /v1/services/shop/pause {\"reason\":\"why\",\"wait\":\"20s\"}", "POST /v1/services/shop/resume {\"reason\":\"why\"}",
            ])
        #expect(result.screen.error.contains("nothing is in flight; running: echo"))
    }

    @Test("not drained in time: nothing is run, the service stays paused, exit 9", arguments: [("not-drained", 9), ("done", 0)])
    func notDrained(outcome: String, code: Int) throws {
        let folder = try TemporaryFolder()
        let admin = try admin(
            pause: .init(200, Sample.pauseReceipt(outcome: outcome, code: code, inFlight: 2)), marker: folder["marker"])
        let result = try admin.sluice("pause|shop|--then|touch \(folder["ran"])")
        #expect(result.code == .notDrained)
        #expect(access(folder["ran"], F_OK) != 0)
        #expect(verbs(admin) == ["pause"])
        #expect(result.screen.error.contains("still paused: `sluice resume shop --socket"), "\(result.screen.error)")
    }

    @Test("a pause that is refused or not confirmed runs nothing")
    func refused() throws {
        let folder = try TemporaryFolder()
        for (response, code) in [
            (Sample.problem(404, 4), ExitCode.notFound), (.init(200, Sample.pauseReceipt(outcome: "unconfirmed", code: 8)), .timedOut),
        ] {
            let admin = try admin(pause: response, marker: folder["marker"])
            #expect(try admin.sluice("pause|shop|--then|touch \(folder["ran"])").code == code)
            #expect(access(folder["ran"], F_OK) != 0)
            #expect(verbs(admin) == ["pause"])
        }
    }

    @Test("failure resumes and says how it ended", arguments: [("exit 3", "it exited with 3"), ("kill -9 $$", "it was ended by signal 9")])
    func failure(command: String, words: String) throws {
        let folder = try TemporaryFolder()
        let admin = try admin(marker: folder["marker"])
        let result = try admin.sluice("pause|shop|--then|\(command)")
        #expect(result.code == .failedAndRolledBack)
        #expect(result.screen.error.contains(words), "\(result.screen.error)")
        #expect(verbs(admin) == ["pause", "resume"])
    }

    @Test("rollback goes back only when the command had switched")
    func rollback() throws {
        let folder = try TemporaryFolder()
        let early = try admin(marker: folder["marker"])
        #expect(try early.sluice("pause|shop|--on-fail|rollback|--then|false").code == .failedAndRolledBack)
        #expect(verbs(early) == ["pause", "resume"])
        let late = try admin(marker: folder["marker"])
        #expect(try late.sluice("pause|shop|--on-fail|rollback|--then|touch \(folder["marker"]); false").code == .failedAndRolledBack)
        #expect(verbs(late) == ["pause", "rollback", "resume"])
    }

    @Test("a rollback that fails leaves it paused for a person")
    func stuck() throws {
        let folder = try TemporaryFolder()
        let admin = try admin(rollback: 409, marker: folder["marker"])
        let result = try admin.sluice("pause|shop|--on-fail|rollback|--then|touch \(folder["marker"]); false")
        #expect(result.code == .needsPerson)
        #expect(verbs(admin) == ["pause", "rollback"])
        #expect(result.screen.error.contains("shop is still paused"))
    }

    @Test("Ctrl-C ends the command and all it started, and the service goes on", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let folder = try TemporaryFolder()
        let admin = try admin(marker: folder["marker"])
        // A grandchild, as a migration is one of its script.
        let script = "sh -c 'echo $$ > \(folder["pid"]).new; mv \(folder["pid"]).new \(folder["pid"]); exec sleep 60'; true"
        let child = try Child(
            [SluiceProcess.binary, "pause", "shop", "--then", script, "--socket", admin.path], output: folder["out"], errors: folder["err"])
        #expect(eventually { access(folder["pid"], F_OK) == 0 })
        let grandchild = try #require(Int32(text(of: folder["pid"]).split(separator: "\n").first ?? ""))
        child.signal(signal)
        #expect(child.waitForExit(within: .seconds(20)) == .code(7))
        #expect(verbs(admin) == ["pause", "resume"])
        #expect(eventually { kill(grandchild, 0) != 0 })
    }

    @Test("Ctrl-C before the command is run resumes")
    func interruptedEarly() throws {
        let folder = try TemporaryFolder()
        let admin = try admin(pause: .init(raw: "HTTP/1.1 200", hangs: true), marker: folder["marker"])
        let child = try Child(
            [SluiceProcess.binary, "pause", "shop", "--then", "touch \(folder["ran"])", "--socket", admin.path], output: folder["out"],
            errors: folder["err"])
        #expect(eventually { verbs(admin) == ["pause"] })
        child.signal(SIGINT)
        #expect(child.waitForExit(within: .seconds(20)) == .code(7))
        #expect(verbs(admin) == ["pause", "resume"])
        #expect(access(folder["ran"], F_OK) != 0)
    }
}
