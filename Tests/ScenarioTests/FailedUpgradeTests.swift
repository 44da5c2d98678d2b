import Glibc
import TestSupport
import Testing

/// A new process that is no good must cost nothing: the old one serves on and says why.
@Suite struct FailedUpgradeTests {
    /// - Parameter variables: nil = `line` is the program.
    struct Flaw: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var line = ""
        var variables: String?
        var exit: Int
        var tells: String
    }

    static let flaws = [
        Flaw(testDescription: "it ends at once", line: "exit 7", exit: 1, tells: "exited with status 7"),
        Flaw(testDescription: "it hangs and reads nothing", line: "exec sleep 60", exit: 8, tells: "did not say that it is ready"),
        Flaw(testDescription: "it dies before it reads", variables: "SLUICE_DEBUG_DIE_AT=start", exit: 1, tells: "killed by signal 9"),
        Flaw(testDescription: "it dies after it was ready", variables: "SLUICE_DEBUG_DIE_AT=ready", exit: 1, tells: "killed by signal 9"),
        Flaw(testDescription: "it dies instead of taking over", variables: "SLUICE_DEBUG_DIE_AT=release", exit: 1, tells: "to take over"),
        Flaw(testDescription: "it hangs after it was ready", variables: "SLUICE_DEBUG_HANG_AT=ready", exit: 8, tells: "did not take over"),
        Flaw(
            testDescription: "it hangs instead of taking over", variables: "SLUICE_DEBUG_HANG_AT=release", exit: 8,
            tells: "did not take over"),
    ]

    @Test("the old process goes on as if nothing had been", arguments: flaws)
    func flawed(_ flaw: Flaw) throws {
        let stage = try UpgradeStage(wrapper: ["env", "SLUICE_DEBUG=1", "SLUICE_DEBUG_UPGRADE_DEADLINE_MS=1500"])
        let client = try stage.client()
        #expect(try client.get().text == "blue")
        let program = try flaw.variables.map { try stage.failing($0) } ?? stage.program("failing", flaw.line)
        let answer = try stage.sluice.order("/v1/upgrade", "{\"binary\": \"\(program)\"}")
        let problem = JSON(answer.text) ?? .null
        #expect(answer.status == (flaw.exit == 8 ? 504 : 500) && problem["exit_code"].int == flaw.exit, "\(answer.text)")
        #expect(problem["detail"].string?.contains(flaw.tells) == true, "\(answer.text)")
        try expectUntouched(stage, client)
    }

    @Test("a program that is not there, or is none, is refused with its reason", arguments: ["/nowhere/sluice", "/etc/passwd"])
    func missing(_ path: String) throws {
        let stage = try UpgradeStage()
        let client = try stage.client()
        let done = try stage.sluice.cli("upgrade", "--binary", path)
        #expect(done.exit == .code(1) && done.errors.contains(path), "\(done)")
        try expectUntouched(stage, client)
    }

    @Test("a file that became invalid is told with its line, and once it is mended the upgrade works")
    func invalidFile() throws {
        let stage = try UpgradeStage()
        let client = try stage.client()
        let good = text(of: stage.sluice.configuration)
        try write(good + "\nlistners: []\n", to: stage.sluice.configuration)
        let refused = try stage.sluice.cli("upgrade")
        #expect(refused.exit == .code(1), "\(refused)")
        #expect(refused.errors.contains("sluice.yaml:") && refused.errors.contains("listners"), "\(refused.errors)")
        try write(good, to: stage.sluice.configuration)
        try expectUntouched(stage, client)
        try stage.upgrade()
        #expect(try stage.client().get().text == "green")
    }

    @Test("an address that cannot be bound refuses the upgrade")
    func takenAddress() throws {
        let stage = try UpgradeStage()
        let (client, other) = (try stage.client(), try ScriptedUpstream())
        let listeners = "\(UpgradeStage.web), { name: more, bind: [\"\(other.place)\"] }"
        let good = text(of: stage.sluice.configuration)
        try stage.sluice.rewrite(
            UpgradeStage.yaml(stage.blue, stage.green, top: "", service: "split: { blue: 100 }", listeners: listeners))
        let refused = try stage.sluice.cli("upgrade")
        #expect(refused.exit == .code(1) && refused.errors.contains("listener more"), "\(refused)")
        try write(good, to: stage.sluice.configuration)
        try expectUntouched(stage, client)
    }

    @Test("while one is under way nothing may be changed, a second one is a conflict, and TERM ends both processes")
    func underWay() throws {
        let stage = try UpgradeStage()
        let program = try stage.program("failing", "echo $$ > \(stage.sluice.folder["child"])\nexec sleep 60")
        let asking = try RawClient(.unix(stage.sluice.adminSocket), patience: .seconds(20))
        try asking.send(SluiceProcess.orderText("/v1/upgrade", "{\"binary\": \"\(program)\"}"))
        #expect(eventually { text(of: stage.sluice.folder["child"]).hasSuffix("\n") })
        for path in ["upgrade", "reload", "services/shop/flip"] {
            let answer = try stage.sluice.order("/v1/\(path)")
            #expect(answer.status == 409 && JSON(answer.text)?["exit_code"].int == 5, "\(path): \(answer.text)")
        }
        #expect(try stage.client().get().text == "blue")
        let child = String(text(of: stage.sluice.folder["child"]).dropLast())
        stage.sluice.child.signal(SIGTERM)
        #expect(stage.sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(eventually { text(of: "/proc/\(child)/cmdline").isEmpty }, "and the one that was to come is gone")
    }

    @Test("a process that is not the child of a sluice refuses the handover it was told of")
    func falseLine() throws {
        let stage = try UpgradeStage()
        for value in ["7", "no", "1"] {
            let result = try Program.run(
                [SluiceProcess.binary, "run", "-c", stage.sluice.configuration], environment: ["SLUICE_HANDOVER=\(value)"])
            #expect(result.exit == .code(1) && result.errors.contains("SLUICE_HANDOVER"), "\(result)")
        }
        #expect(try stage.client().get().text == "blue")
    }

    /// The same process, the same connection, the same epoch; it can be switched, and nothing of the other is left.
    private func expectUntouched(_ stage: UpgradeStage, _ client: RawClient) throws {
        #expect(stage.sluice.isRunning && stage.sluice.servingPID == stage.sluice.child.pid)
        #expect(try client.get().text == "blue")
        for _ in 0..<20 { #expect(try stage.client().get().text == "blue") }
        #expect(try stage.sluice.status()["epoch"].int == 1)
        #expect(try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "green"}"#).status == 200)
        #expect(try client.get().text == "green")
        let children = text(of: "/proc/\(stage.sluice.child.pid)/task/\(stage.sluice.child.pid)/children")
        #expect(children.isEmpty, "left behind: \(children)")
        #expect(!stage.sluice.errors.contains("Fatal error"), "\(stage.sluice.errors)")
    }
}
