internal import Glibc
internal import TestSupport
internal import Testing

/// The contract with scripts: exit codes and streams of the real binary.
@Suite struct BinaryTests {
    private func sluice(_ words: String..., environment: [String] = []) throws -> Program.Result {
        try Program.run([SluiceProcess.binary] + words, within: .seconds(30), environment: environment)
    }

    private func file(_ text: String, in folder: TemporaryFolder) throws -> String {
        try write(
            "state_dir: \(folder["state"])\nadmin: { socket: \(folder["admin.sock"]) }\naccess_log: { format: \"off\" }\n\(text)",
            to: folder["sluice.yaml"])
        return folder["sluice.yaml"]
    }

    private static let services = "services: { shop: { pools: { blue: { targets: [\"127.0.0.1:1\"] } } } }\n"

    @Test("version and help go to standard output, exit 0")
    func version() throws {
        for word in ["--version", "version"] {
            let result = try sluice(word)
            #expect(result.exit == .code(0))
            #expect(result.output.hasPrefix("sluice "))
            #expect(result.errors.isEmpty)
        }
        #expect(try sluice("help").output.contains("usage: sluice COMMAND"))
    }

    @Test("a command line that is not understood is exit 2, on standard error, with a hint")
    func usage() throws {
        let result = try sluice("statsu")
        #expect(result.exit == .code(2))
        #expect(result.output.isEmpty)
        #expect(result.errors == "sluice: there is no command statsu (did you mean status?)\n")
    }

    @Test("a proxy that is not there is exit 11, wherever its socket was named")
    func unreachable() throws {
        let folder = try TemporaryFolder()
        let config = try file(Self.services + "listeners: [{ name: web, bind: [\"127.0.0.1:0\"] }]\n", in: folder)
        for result in [
            try sluice("status", "--socket", folder["no.sock"]), try sluice("reload", "-c", config), try sluice("shutdown", "-c", config),
            try sluice("status", environment: ["SLUICE_SOCKET=\(folder["env.sock"])"]),
        ] {
            #expect(result.exit == .code(11))
            #expect(result.errors.contains(folder.path), "\(result.errors)")
        }
    }

    @Test("check says ok, or names every error with its place, exit 3")
    func check() throws {
        let folder = try TemporaryFolder()
        let config = try file(Self.services + "listeners: [{ name: web, bind: [\"127.0.0.1:0\"] }]\n", in: folder)
        let good = try sluice("check", "-c", config)
        #expect(good.exit == .code(0))
        #expect(good.output == "\(config): ok\n")
        let broken = try file("listeners: 3\nwrokers: 2\n" + Self.services, in: folder)
        let bad = try sluice("check", "-c", broken)
        #expect(bad.exit == .code(3))
        #expect(bad.output.isEmpty)
        #expect(bad.errors.contains("\(broken):4:12: error: "), "\(bad.errors)")
        #expect(bad.errors.contains("\(broken):5:1: error: "), "\(bad.errors)")
        #expect(try sluice("check", "-c", folder["missing.yaml"]).exit == .code(3))
        #expect(try sluice("run", "-c", broken).exit == .code(3))
    }

    @Test("check -o json prints a list of what it found on standard output, and nothing on standard error")
    func checkJSON() throws {
        let folder = try TemporaryFolder()
        let good = try sluice(
            "check", "-o", "json", "-c", file(Self.services + "listeners: [{ name: web, bind: [\"127.0.0.1:0\"] }]\n", in: folder))
        #expect(good.exit == .code(0) && good.errors.isEmpty)
        #expect(JSON(good.output) == .array([]))
        let broken = try file("listeners: 3\nwrokers: 2\n" + Self.services, in: folder)
        let bad = try sluice("check", "-c", broken, "-o", "json")
        #expect(bad.exit == .code(3) && bad.errors.isEmpty)
        let found = try #require(JSON(bad.output))
        #expect(found.items.map { $0["line"].int } == [4, 5])
        #expect(found.items.map { $0["column"].int } == [12, 1])
        #expect(found.items.allSatisfy { $0["file"].string == broken && $0["severity"].string == "error" })
        #expect(found.items.allSatisfy { $0["message"].string?.isEmpty == false })
        #expect(found[1]["hint"].string?.contains("workers") == true)
        let missing = try sluice("check", "-o", "json", "-c", folder["missing.yaml"])
        #expect(missing.exit == .code(3) && missing.errors.isEmpty)
        #expect(JSON(missing.output)?.items.count == 1)
        #expect(try sluice("check", "-o", "yaml", "-c", broken).exit == .code(2))
    }

    @Test("an address in use is exit 1 and names the address; nothing is left behind")
    func addressInUse() throws {
        let folder = try TemporaryFolder()
        let upstream = try ScriptedUpstream { _ in }
        let config = try file(Self.services + "listeners: [{ name: web, bind: [\"\(upstream.place)\"] }]\n", in: folder)
        let result = try sluice("run", "-c", config)
        #expect(result.exit == .code(1))
        #expect(result.errors.contains("\(upstream.place)") && result.errors.contains("another process"), "\(result.errors)")
        #expect(access(folder["admin.sock"], F_OK) != 0)
    }

    @Test("a running proxy: status, reload, refusal, a second one on its state_dir, shutdown")
    func life() throws {
        let proxy = try SluiceProcess(to: [try #require(Place("127.0.0.1:1"))])
        let table = try proxy.cli("status")
        #expect(table.succeeded && table.output.contains("SERVICE") && table.errors.isEmpty)
        #expect(JSON(try proxy.cli("status", "-o", "json").output)?["epoch"].int == 1)
        #expect(try proxy.cli("status", "nope").exit == .code(4))

        #expect(try proxy.reload().output == "nothing changed; epoch 1\n")
        let text = text(of: proxy.configuration)
        try write(text + "workers: 7\n", to: proxy.configuration)
        let duplicate = try proxy.cli("reload")
        #expect(duplicate.exit == .code(3))
        #expect(duplicate.errors.contains("\(proxy.configuration):"), "\(duplicate.errors)")
        try write(text.replacing("workers: 2", with: "workers: 3"), to: proxy.configuration)
        let restart = try proxy.cli("reload")
        #expect(restart.exit == .code(3))
        #expect(restart.errors.contains("needs a restart"))
        #expect(try proxy.status()["epoch"].int == 1)

        let second = try sluice("run", "-c", proxy.configuration)
        #expect(second.exit == .code(5))
        #expect(second.errors.contains("process \(proxy.child.pid)"), "\(second.errors)")

        let ended = try proxy.cli("shutdown")
        #expect(ended.succeeded && ended.output == "stopped\n")
        #expect(proxy.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(access(proxy.adminSocket, F_OK) != 0)
    }

    @Test("signals: HUP reloads, USR1 and USR2 do no harm, QUIT and TERM end with 0", arguments: [SIGTERM, SIGINT, SIGQUIT])
    func signals(last: Int32) throws {
        let proxy = try SluiceProcess(to: [try #require(Place("127.0.0.1:1"))])
        try proxy.rewrite(SluiceProcess.forwarding(to: [try #require(Place("127.0.0.1:2"))]))
        proxy.child.signal(SIGHUP)
        #expect(try eventually { try proxy.status()["epoch"].int == 2 })
        proxy.child.signal(SIGUSR1)
        proxy.child.signal(SIGUSR2)
        #expect(eventually { proxy.errors.contains("access log reopened") })
        #expect(proxy.isRunning)
        proxy.child.signal(last)
        #expect(proxy.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(proxy.errors.contains("stopped"))
    }

    @Test("the demo serves both colours as the file says, and cleans up")
    func demo() throws {
        let folder = try TemporaryFolder()
        let child = try Child(
            [SluiceProcess.binary, "demo", "--port", "0"], output: folder["out"], errors: folder["err"],
            environment: ["TMPDIR=\(folder.path)"])
        #expect(eventually { text(of: folder["out"]).contains("Ctrl-C") })
        let words = text(of: folder["out"]).split(whereSeparator: \.isWhitespace)
        let url = try #require(words.first { $0.hasPrefix("http://") })
        let place = try #require(Place(String(url.dropFirst("http://".count))))
        let client = try RawClient(place)
        let answer = try client.ask("GET /x HTTP/1.1\r\nHost: demo\r\n\r\n")
        #expect(answer.status == 200)
        #expect(answer.text.contains("hello from blue: /x"))
        let file = try #require(words.first { $0.hasSuffix("/demo.yaml") }.map(String.init))
        try write(text(of: file).replacing("split: { blue: 100 }", with: "split: { green: 100 }"), to: file)
        let reload = try sluice("reload", "-c", file)
        #expect(reload.succeeded && reload.output.contains("blue 100 → green 100"))
        #expect(try client.ask("GET /x HTTP/1.1\r\nHost: demo\r\n\r\n").text.contains("hello from green: /x"))
        child.signal(SIGINT)
        #expect(child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(names(in: folder.path).filter { $0.hasPrefix("sluice-demo") }.isEmpty)
    }

    @Test("the demo on a taken port says which flag helps")
    func demoPort() throws {
        let upstream = try ScriptedUpstream { _ in }
        let port = "\(upstream.place)".split(separator: ":").last.map(String.init) ?? ""
        let result = try sluice("demo", "--port", port)
        #expect(result.exit == .code(1))
        #expect(result.errors.contains("--port"), "\(result.errors)")
    }
}
