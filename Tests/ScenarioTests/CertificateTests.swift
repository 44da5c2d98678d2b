import Glibc
import TestSupport
import Testing

/// Certificates of the real process, with openssl as the client.
@Suite struct CertificateTests {
    @Test("the name that the client asks for chooses the certificate; status and metrics tell their ends")
    func names() throws {
        let stage = try SecureStage()
        defer { expectAlive(stage.sluice) }
        for host in ["shop.test", "other.test"] {
            let said = try stage.ask(host)
            #expect(said.contains("HTTP/1.1 200 OK") && said.contains("Verify return code: 0 (ok)"), "\(said)")
        }
        let listener = try stage.listener()
        #expect(listener["protocols"].items.compactMap(\.string) == ["h2", "http/1.1"])
        #expect(listener["certificates"].items.compactMap { $0["names"].items.first?.string } == ["shop.test", "other.test"])
        let table = try stage.sluice.cli("status").output
        #expect(table.contains("expires in 29 days") || table.contains("expires in 30 days"), "\(table)")
        let page = try stage.sluice.admin("GET", "/metrics").text
        #expect(page.contains("sluice_certificate_expiry_seconds{listener=\"web\",name=\"shop.test\"} 25"), "\(page)")
    }

    @Test("a missing key ends the start, and the check, with exit 3, and both say what and why")
    func missing() throws {
        let stage = try SecureStage()
        let folder = try TemporaryFolder()
        let yaml = """
            state_dir: \(folder["state"])
            admin: { socket: \(folder["a.sock"]) }
            \(SecureStage.yaml(stage.folder, stage.origin.place).replacing("web.key", with: "gone.key"))

            """
        try write(yaml, to: folder["sluice.yaml"])
        for command in ["run", "check"] {
            let result = try Program.run([SluiceProcess.binary, command, "-c", folder["sluice.yaml"]], within: .seconds(20))
            #expect(result.exit == .code(3))
            let expected = "listener web: \(stage.folder["gone.key"]): cannot be read: No such file or directory; hint: "
            #expect(result.errors.contains(expected), "\(command): \(result.errors)")
        }
    }

    @Test("new files are served to new connections, and those that are open go on")
    func swap() throws {
        let stage = try SecureStage()
        defer { expectAlive(stage.sluice) }
        let door = stage.folder["door"]
        let first = SecureStage.request("shop.test", "X-Part: first\\r\\n")
        let wait = "while [ ! -e \(door) ]; do sleep 0.02; done"
        let command = "(\(first); \(wait); \(SecureStage.request("shop.test"))) | \(stage.client("shop.test"))"
        let child = try Child(["sh", "-c", command], output: stage.folder["out"], errors: stage.folder["err"])
        #expect(eventually { text(of: stage.folder["out"]).contains("HTTP/1.1 200 OK") })
        let epoch = try stage.sluice.status()["epoch"].int ?? 0
        try stage.install("next")
        #expect(try eventually { try stage.sluice.status()["key_files"]["swaps"].int == 1 })
        #expect(try stage.sluice.status()["epoch"].int == epoch + 1)
        #expect(try stage.ask().contains("subject=CN = next"))
        try write("", to: door)
        #expect(child.waitForExit(within: .seconds(20)) != nil)
        let said = text(of: stage.folder["out"])
        #expect(said.ranges(of: "HTTP/1.1 200 OK").count == 2 && said.contains("subject=CN = shop"), "\(said)")
        #expect(stage.sluice.errors.contains("certificates changed"), "\(stage.sluice.errors)")
    }

    @Test("bad files are refused loudly while the old ones serve; a reload refuses them, too, and good ones end it")
    func refusal() throws {
        let stage = try SecureStage()
        defer { expectAlive(stage.sluice) }
        try stage.install("other", ["key"])
        #expect(try eventually(within: .seconds(20)) { try stage.listener()["key_refusal"]["reasons"].items.count == 1 })
        #expect(try stage.ask().contains("subject=CN = shop"))
        #expect(stage.sluice.errors.contains("changed certificate files refused; the former ones stay"), "\(stage.sluice.errors)")
        #expect(try stage.sluice.cli("status").output.contains("the private key does not belong to the certificate"))
        #expect(try stage.sluice.admin("GET", "/metrics").text.contains("sluice_certificate_refusals_total 1\n"))
        #expect(try stage.sluice.admin("GET", "/v1/events?after=0&follow=false").text.contains("\"outcome\":\"refused\""))
        let reload = try stage.sluice.reload()
        #expect(reload.exit == .code(3) && reload.errors.contains("the private key does not belong"), "\(reload.errors)")
        #expect(try stage.ask().contains("subject=CN = shop"))
        try stage.install("next")
        #expect(try eventually { try stage.listener()["key_refusal"]["reasons"].items.isEmpty })
        #expect(try stage.ask().contains("subject=CN = next"))
    }

    @Test("a session is taken up on any loop, after a reload and after an upgrade", arguments: ["-tls1_2", "-tls1_3"])
    func tickets(version: String) throws {
        let stage = try SecureStage()
        let session = stage.folder["session"]
        #expect(try stage.ask("shop.test", version, "-sess_out", session).contains("New, TLSv"))
        func isTakenUp() throws -> Bool { try stage.ask("shop.test", version, "-sess_in", session).contains("Reused, TLSv") }
        for _ in 0..<4 { #expect(try isTakenUp()) }
        let yaml = SecureStage.yaml(stage.folder, stage.origin.place, "min_version: \"1.2\"\n      handshake_timeout: 9s")
        #expect(try stage.sluice.reload(yaml).succeeded)
        #expect(try isTakenUp())
        let answer = try stage.sluice.order("/v1/upgrade")
        #expect(answer.status == 200, "\(answer.text)")
        #expect(eventually { stage.sluice.servingPID != stage.sluice.child.pid })
        for _ in 0..<4 { #expect(try isTakenUp()) }
        #expect(stage.sluice.child.waitForExit(within: .seconds(20)) == .code(0))
    }

    @Test("secrets of sessions are written only where debugging is switched on", arguments: [true, false])
    func keyLog(isDebugging: Bool) throws {
        let folder = try TemporaryFolder()
        let variables = ["env", "SSLKEYLOGFILE=\(folder["secrets"])"] + (isDebugging ? ["SLUICE_DEBUG=1"] : [])
        let stage = try SecureStage(wrapper: variables)
        #expect(try stage.ask().contains("HTTP/1.1 200 OK"))
        #expect(text(of: folder["secrets"]).contains("SERVER_TRAFFIC_SECRET_0 ") == isDebugging)
    }
}
