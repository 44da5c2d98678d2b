import Glibc
import TestSupport
import Testing

/// One process goes, another comes, and nobody outside notices.
@Suite struct UpgradeTests {
    @Test("what is in flight ends whole, kept-alive clients are told to come again, and the old process ends with 0")
    func drains() throws {
        let stage = try UpgradeStage()
        let (busy, idle) = (try stage.client(), try stage.client())
        for client in [busy, idle] { #expect(try client.get().text == "blue") }
        try busy.send(request("GET", "/slow"))
        #expect(eventually { stage.blue.requests.contains { $0.head.target == "/slow" } })
        let socket = try #require(UpgradeStage.inode(of: stage.place))
        let reply = try stage.upgrade()
        #expect(reply["epoch"].int == 2 && reply["exit_code"].int == 0)
        stage.door.open()
        let answer = try busy.readAnswer()
        #expect(answer.text == "blue" && answer.isWhole && answer["connection"]?.lowercased() == "close")
        #expect(idle.isEnded && busy.isEnded)
        #expect(stage.sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(try stage.client().get().text == "blue")
        #expect(UpgradeStage.inode(of: stage.place) == socket)
        #expect(UpgradeStage.has(stage.sluice.servingPID, socket: socket))
        #expect(!stage.sluice.errors.contains("Fatal error"), "\(stage.sluice.errors)")
    }

    @Test("what was switched stays switched: split, place in it, pause and what is held, over two upgrades")
    func stateSurvives() throws {
        let stage = try UpgradeStage(service: "split: { blue: 75, green: 25 }")
        var counts = ["blue": 0, "green": 0]
        func ask(_ number: Int) throws {
            for _ in 0..<number { counts[try stage.client().get().text, default: 0] += 1 }
        }
        try ask(6)
        try stage.upgrade()
        try ask(7)
        #expect(counts == ["blue": 10, "green": 3] || counts == ["blue": 9, "green": 4], "\(counts)")
        #expect(try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "green"}"#).status == 200)
        #expect(try stage.sluice.order("/v1/services/shop/pause", #"{"max_wait": "30s"}"#).status == 200)
        let reply = try stage.upgrade()
        #expect(reply["epoch"].int == 5, "two commands and two upgrades")
        let held = try stage.client()
        try held.send(request())
        #expect(throughout(.milliseconds(300)) { !held.hasInput }, "still paused")
        #expect(try stage.sluice.order("/v1/services/shop/resume", #"{"ramp": "0s"}"#).status == 200)
        #expect(try held.readAnswer().text == "green")
        #expect(try stage.sluice.admin("GET", "/v1/history").text.contains("flip"))
    }

    @Test("what still begins in the old process begins as the new one has switched")
    func follows() throws {
        let stage = try UpgradeStage()
        #expect(try stage.sluice.order("/v1/services/shop/pause", #"{"max_wait": "60s"}"#).status == 200)
        let held = try stage.client()
        try held.send(request())
        #expect(try eventually { try stage.sluice.counters().exchanges == 1 })
        try stage.upgrade()
        #expect(try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "green"}"#).status == 200)
        #expect(throughout(.milliseconds(200)) { !held.hasInput }, "still paused there too")
        #expect(try stage.sluice.order("/v1/services/shop/resume", #"{"ramp": "0s"}"#).status == 200)
        #expect(try held.readAnswer().text == "green")
        #expect(stage.sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        // Nobody follows any more, and nobody waits for it.
        let receipt = try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "blue"}"#)
        #expect(receipt.status == 200 && JSON(receipt.text)?["exit_code"].int == 0, "\(receipt.text)")
    }

    @Test("a wait for a drain counts what the old process has in flight")
    func drainCounts() throws {
        let stage = try UpgradeStage()
        let busy = try stage.client()
        try busy.send(request("GET", "/slow"))
        #expect(eventually { stage.blue.requests.contains { $0.head.target == "/slow" } })
        try stage.upgrade()
        let short = try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "green", "wait_drained": "10ms"}"#)
        #expect(JSON(short.text)?["exit_code"].int == 9, "\(short.text)")
        let asking = try RawClient(.unix(stage.sluice.adminSocket), patience: .seconds(30))
        try asking.send(SluiceProcess.orderText("/v1/services/shop/drain", #"{"places": ["blue"], "wait": "25s"}"#))
        #expect(throughout(.milliseconds(300)) { !asking.hasInput })
        stage.door.open()
        #expect(try busy.readAnswer().text == "blue")
        let long = try asking.readAnswer()
        #expect(JSON(long.text)?["exit_code"].int == 0, "\(long.text)")
    }

    @Test("a WebSocket lives on in the old process, which ends after it")
    func tunnel() throws {
        let stage = try UpgradeStage(top: "shutdown: { drain_timeout: 200ms }")
        let tunnel = try stage.client()
        try tunnel.send(request("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket"))
        #expect(try tunnel.readAnswer().status == 101)
        try stage.upgrade()
        for _ in 0..<3 {
            try tunnel.send("ping")
            #expect(latin1(try tunnel.read(4)) == "ping")
            #expect(throughout(.milliseconds(200)) { stage.sluice.isRunning }, "beyond drain_timeout")
        }
        #expect(try stage.client().get().text == "blue")
        tunnel.close()
        #expect(stage.sluice.child.waitForExit(within: .seconds(10)) == .code(0))
    }

    @Test("a tunnel has its service's drain.tunnels, an exchange that hangs shutdown.drain_timeout")
    func deadlines() throws {
        let script: (String, Door) -> ScriptedUpstream.Script = { _, _ in
            { peer in
                if try peer.wholeRequest().target == "/ws" {
                    try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                }
                peer.waitUntilAbandoned()
            }
        }
        let stage = try UpgradeStage(
            top: "shutdown: { drain_timeout: 300ms }", service: "split: { blue: 100 }\n    drain: { tunnels: 1500ms }", script: script)
        let (tunnel, hanging) = (try stage.client(), try stage.client())
        try tunnel.send(request("GET", "/ws", "Connection: Upgrade", "Upgrade: websocket"))
        #expect(try tunnel.readAnswer().status == 101)
        try hanging.send(request("GET", "/never"))
        #expect(eventually { stage.blue.requests.count == 2 })
        let began = ContinuousClock.now
        try stage.upgrade()
        _ = try? hanging.readAnswer()
        let cut = ContinuousClock.now - began
        #expect(tunnel.isEnded)
        let ended = ContinuousClock.now - began
        #expect(cut > .milliseconds(200) && cut < ended, "\(cut) \(ended)")
        #expect(ended > .milliseconds(1200) && ended < .seconds(10), "\(ended)")
        #expect(stage.sluice.child.waitForExit(within: .seconds(5)) == .code(0))
    }

    @Test("USR2 does the same, and the next process can do it again")
    func signals() throws {
        let stage = try UpgradeStage()
        var pids = [stage.sluice.servingPID]
        for _ in 0..<3 {
            kill(pids.last ?? 0, SIGUSR2)
            #expect(eventually { stage.sluice.servingPID != pids.last }, "\(stage.sluice.errors)")
            pids.append(stage.sluice.servingPID)
            #expect(try stage.client().get().text == "blue")
            #expect(try eventually { try stage.sluice.status()["pid"].int == Int(pids.last ?? 0) })
        }
        #expect(Set(pids).count == 4)
        #expect(try stage.sluice.status()["epoch"].int == 4)
    }

    @Test("listeners that the file gained are opened, those it lost are closed, the rest is the same socket")
    func listeners() throws {
        let more = "{ name: more, bind: [\"127.0.0.1:0\"] }"
        let stage = try UpgradeStage(listeners: "\(UpgradeStage.web), \(more)")
        let (web, gone) = (try #require(UpgradeStage.inode(of: stage.place)), try stage.sluice.place("more"))
        let socket = "{ name: file, bind: [\"unix:\(stage.sluice.folder["file.sock"])\"] }"
        let service = "split: { blue: 100 }"
        try stage.sluice.rewrite(
            UpgradeStage.yaml(stage.blue, stage.green, top: "", service: service, listeners: "\(socket), \(UpgradeStage.web)"))
        try stage.upgrade()
        #expect(UpgradeStage.inode(of: stage.place) == web)
        #expect(eventually { (try? RawClient(gone, patience: .seconds(1))) == nil })
        #expect(try RawClient(.unix(stage.sluice.folder["file.sock"])).get().text == "blue")
        // A Unix socket goes over too: its file is there all the while, and removed by the last process.
        try stage.upgrade()
        #expect(try RawClient(.unix(stage.sluice.folder["file.sock"])).get().text == "blue")
        #expect(try stage.sluice.cli("shutdown").exit == .code(0))
        #expect(eventually { access(stage.sluice.folder["file.sock"], F_OK) != 0 && access(stage.sluice.adminSocket, F_OK) != 0 })
    }

    @Test("kill -9 of the new process, then a start: the state is there")
    func killedLater() throws {
        let stage = try UpgradeStage(listeners: "{ name: web, bind: [\"unix:/tmp/sluice-upgrade-\(getpid()).sock\"] }")
        try stage.upgrade()
        #expect(try stage.sluice.order("/v1/services/shop/flip", #"{"pool": "green"}"#).status == 200)
        let pid = stage.sluice.servingPID
        kill(pid, SIGKILL)
        #expect(eventually { text(of: "/proc/\(pid)/cmdline").isEmpty })
        #expect(stage.sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        let folder = try TemporaryFolder()
        let again = try Child(
            [SluiceProcess.binary, "run", "-c", stage.sluice.configuration], output: folder["out"], errors: folder["err"])
        #expect(eventually { (try? stage.sluice.status()["state"].string) == "serving" }, "\(text(of: folder["err"]))")
        #expect(try stage.client().get().text == "green")
        again.signal(SIGTERM)
        #expect(again.waitForExit(within: .seconds(10)) == .code(0))
    }

    @Test("the pid file names the process that serves, and goes with the last one")
    func pidFile() throws {
        let origin = try ScriptedUpstream()
        let folder = try TemporaryFolder()
        try write(
            """
            state_dir: \(folder["state"])
            admin: { socket: \(folder["admin.sock"]) }
            access_log: { path: \(folder["access.log"]), format: json }
            \(SluiceProcess.forwarding(to: [origin.place]))
            """, to: folder["sluice.yaml"])
        let child = try Child(
            [SluiceProcess.binary, "run", "-c", folder["sluice.yaml"], "--pid-file", folder["pid"]], output: folder["out"],
            errors: folder["err"])
        #expect(eventually { text(of: folder["pid"]) == "\(child.pid)\n" })
        #expect(eventually { access(folder["admin.sock"], F_OK) == 0 })
        let upgraded = try Program.run([SluiceProcess.binary, "upgrade", "--socket", folder["admin.sock"], "-o", "json"])
        let pid = Int32(JSON(upgraded.output)?["pid"].int ?? 0)
        #expect(upgraded.exit == .code(0) && pid > 0, "\(upgraded)")
        #expect(eventually { text(of: folder["pid"]) == "\(pid)\n" })
        #expect(child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(text(of: folder["pid"]) == "\(pid)\n", "the old process left it alone")
        #expect(try Program.run([SluiceProcess.binary, "shutdown", "--socket", folder["admin.sock"]]).exit == .code(0))
        #expect(eventually { access(folder["pid"], F_OK) != 0 })
    }

    @Test(
        "ten upgrades under load fail no request, and the socket stays the same",
        .enabled(if: ["nginx", "wrk"].allSatisfy { Program.find($0) != nil }))
    func underLoad() throws {
        let nginx = try NginxUpstream()
        let sluice = try SluiceProcess(SluiceProcess.forwarding(to: [nginx.place]))
        let place = try sluice.place()
        let socket = try #require(UpgradeStage.inode(of: place))
        let folder = try TemporaryFolder()
        let loads = try [[], ["-H", "Connection: close"]].enumerated().map { index, more in
            try Child(
                ["wrk", "-t1", "-c8", "-d600s"] + more + ["http://\(place)/hello.txt"], output: folder["out\(index)"],
                errors: folder["err\(index)"])
        }
        #expect(try eventually { try sluice.counters().clients >= 8 })
        // SLUICE_SOAK=100 makes it the long one.
        let rounds = environment("SLUICE_SOAK").flatMap { Int($0) } ?? 10
        for round in 1...rounds {
            let answer = try sluice.order("/v1/upgrade")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(try eventually { try sluice.status()["epoch"].int == round + 1 })
            #expect(try eventually { try sluice.counters().clients >= 8 }, "the load has come over")
            #expect(UpgradeStage.inode(of: place) == socket)
            #expect(UpgradeStage.has(sluice.servingPID, socket: socket))
        }
        for (index, load) in loads.enumerated() {
            load.signal(SIGINT)
            #expect(load.waitForExit(within: .seconds(20)) != nil)
            let report = text(of: folder["out\(index)"])
            #expect(report.contains("requests in") && !report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)")
        }
        #expect(!sluice.errors.contains("Fatal error") && !sluice.errors.contains(" error "), "\(sluice.errors)")
    }
}
