import TestSupport
import Testing

/// From start to end of the process: locks, signals, logs.
@Suite struct LifeTests {
    private static let (quit, terminate, interrupt, reopen) = (Int32(3), Int32(15), Int32(2), Int32(10))

    private static let slow: ScriptedUpstream.Script = { peer in
        while true {
            let head = try peer.wholeRequest()
            if head.target == "/slow" { _ = throughout(.milliseconds(500)) { true } }
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
    }

    @Test("QUIT finishes what is in flight, says close, closes idle connections and ends with 0")
    func graceful() throws {
        let origin = try ScriptedUpstream(Self.slow)
        let sluice = try SluiceProcess(to: [origin.place], top: "shutdown: { drain_timeout: 20s }")
        let place = try sluice.place()
        let (busy, idle) = (try RawClient(place), try RawClient(place))
        #expect(try idle.get().status == 200)
        try busy.send(request("GET", "/slow"))
        #expect(eventually { origin.requests.contains { $0.head.target == "/slow" } })
        sluice.child.signal(Self.quit)
        let answer = try busy.readAnswer()
        #expect(answer.status == 200 && answer.isWhole && answer["connection"]?.lowercased() == "close")
        #expect(busy.isEnded && idle.isEnded)
        #expect(sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(throws: WireError.self) { try RawClient(place, patience: .seconds(1)) }
    }

    @Test("QUIT gives up at the drain deadline")
    func gracefulDeadline() throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let sluice = try SluiceProcess(to: [origin.place], top: "shutdown: { drain_timeout: 300ms }")
        let client = try sluice.client()
        try client.send(request())
        #expect(eventually { origin.requests.count == 1 })
        sluice.child.signal(Self.quit)
        #expect(sluice.child.waitForExit(within: .seconds(5)) == .code(0))
        #expect(client.isEnded)
    }

    @Test("during the lame duck the process is not ready and still takes new connections")
    func lameDuck() throws {
        let origin = try ScriptedUpstream()
        let sluice = try SluiceProcess(to: [origin.place], top: "shutdown: { lame_duck: 1s, drain_timeout: 5s }")
        let place = try sluice.place()
        #expect(try sluice.admin("GET", "/readyz").status == 200)
        sluice.child.signal(Self.quit)
        #expect(try eventually { try sluice.admin("GET", "/readyz").status == 503 })
        #expect(try sluice.admin("GET", "/healthz").status == 200)
        #expect(try RawClient(place).get().status == 200)
        #expect(sluice.child.waitForExit(within: .seconds(10)) == .code(0))
    }

    @Test("TERM and INT are quick, with 0", arguments: [LifeTests.terminate, LifeTests.interrupt])
    func quick(signal: Int32) throws {
        let origin = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        let sluice = try SluiceProcess(to: [origin.place])
        let client = try sluice.client()
        try client.send(request())
        #expect(eventually { origin.requests.count == 1 })
        let (exit, span) = timed {
            sluice.child.signal(signal)
            return sluice.child.waitForExit(within: .seconds(10))
        }
        #expect(exit == .code(0))
        #expect(span < .seconds(4))
        #expect(!eventually(within: .zero) { contents(of: sluice.adminSocket) != nil })
    }

    @Test("`shutdown` ends it")
    func commanded() throws {
        let origin = try ScriptedUpstream()
        let sluice = try SluiceProcess(to: [origin.place])
        #expect(try sluice.cli("shutdown").exit == .code(0))
        #expect(sluice.child.waitForExit(within: .seconds(10)) == .code(0))
        #expect(try sluice.cli("status").exit == .code(11), "nobody is there any more")
    }

    @Test("a second process on the same state_dir is refused with 5, and the first goes on")
    func lock() throws {
        try staged { stage in
            let second = try Program.run([SluiceProcess.binary, "run", "-c", stage.sluice.configuration], within: .seconds(10))
            #expect(second.exit == .code(5))
            #expect(second.errors.contains("\(stage.sluice.child.pid)"), "it names the one that holds it: \(second.errors)")
            let client = try stage.client()
            #expect(try client.get().status == 200)
            #expect(try stage.sluice.status()["state"].string == "serving")
        }
    }

    @Test("a start with a bad file is exit 3, with an address in use exit 1")
    func badStarts() throws {
        let folder = try TemporaryFolder()
        let taken = try ScriptedUpstream()
        let base = "state_dir: \(folder["state"])\nadmin: { socket: \(folder["admin.sock"]) }\n"
        try write(base + "listeners: [", to: folder["bad.yaml"])
        #expect(try Program.run([SluiceProcess.binary, "run", "-c", folder["bad.yaml"]], within: .seconds(10)).exit == .code(3))
        #expect(try Program.run([SluiceProcess.binary, "run", "-c", folder["none.yaml"]], within: .seconds(10)).exit == .code(3))
        try write(
            base
                + "listeners: [{ name: web, bind: [\"\(taken.place)\"] }]\nroutes: [{ match: { path: / }, respond: { status: 200 } }]\n",
            to: folder["taken.yaml"])
        let refused = try Program.run([SluiceProcess.binary, "run", "-c", folder["taken.yaml"]], within: .seconds(10))
        #expect(refused.exit == .code(1))
        #expect(refused.errors.contains("\(taken.place)"))
    }

    @Test("a log that was moved away is reopened on USR1, and no line is lost")
    func reopenLog() throws {
        try staged { stage in
            let client = try stage.client()
            let old = stage.sluice.folder["old.log"]
            for _ in 0..<50 { #expect(try client.get("/before").status == 200) }
            #expect(try Program.run(["mv", stage.sluice.accessLog, old]).succeeded)
            for _ in 0..<50 { #expect(try client.get("/between").status == 200) }
            stage.sluice.child.signal(Self.reopen)
            #expect(eventually { contents(of: stage.sluice.accessLog) != nil })
            for _ in 0..<50 { #expect(try client.get("/after").status == 200) }
            func lines() -> [JSON] { (text(of: old) + text(of: stage.sluice.accessLog)).split(separator: "\n").compactMap { JSON($0) } }
            #expect(eventually { lines().count == 150 }, "\(lines().count) lines")
            #expect(stage.sluice.logLines().contains { $0["target"].string == "/after" })
            #expect(!text(of: old).contains("/after"))
        }
    }

    @Test("each line of the log says who ended the exchange and where")
    func logTells() throws {
        let script: ScriptedUpstream.Script = { peer in
            let head = try peer.wholeRequest()
            switch head.target {
            case "/cut":
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nabc")
                _ = throughout(.milliseconds(50)) { true }
            case "/reset": peer.reset()
            case "/never", "/never?left": peer.waitUntilAbandoned()
            default: try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        try staged(script, top: "defaults: { timeouts: { response_header: 300ms } }") { stage in
            for target in ["/fine", "/cut", "/reset", "/never"] { _ = try? stage.client().get(target) }
            let leaving = try stage.client()
            try leaving.send(request("GET", "/never?left"))
            #expect(eventually { stage.origin.requests.contains { $0.head.target == "/never?left" } })
            leaving.reset()
            func line(_ target: String) -> JSON { stage.sluice.logLines().first { $0["target"].string == target } ?? .null }
            #expect(eventually { stage.sluice.logLines().count == 5 })
            #expect(line("/fine")["termination"].string == "--" && line("/fine")["status"].int == 200)
            #expect(line("/cut")["termination"].string == "UD")
            #expect(line("/reset")["termination"].string == "UH" && line("/reset")["status"].int == 502)
            #expect(line("/never")["termination"].string == "uH" && line("/never")["status"].int == 504)
            #expect(line("/never?left")["termination"].string == "CH")
            #expect(line("/fine")["service"].string == "shop" && line("/fine")["pool"].string == "only")
            #expect(line("/fine")["upstream"].string == "\(stage.origin.place)" && line("/fine")["epoch"].int == 1)
        }
    }
}
