import TestSupport
import Testing

/// The machine at its limits: no descriptors, no readers, upstreams that stand still.
@Suite(.serialized) struct MachineLimitTests {
    @Test("out of file descriptors: those inside are served on, those outside wait, and it recovers")
    func descriptors() throws {
        let origin = try ScriptedUpstream()
        let sluice = try SluiceProcess(to: [origin.place], workers: 1, wrapper: ["prlimit", "--nofile=64", "--"])
        defer { expectAlive(sluice) }
        let place = try sluice.place()
        let inside = try RawClient(place)
        #expect(try inside.get().status == 200)
        let crowd = try (0..<100).map { _ in try RawClient(place) }
        #expect(eventually { sluice.descriptors >= 60 })
        for _ in 0..<5 { #expect(try inside.get().status == 200, "it has its connections") }
        let before = cpuTicks(sluice)
        _ = throughout(.seconds(1)) { true }
        #expect(cpuTicks(sluice) - before < 30, "it waits, it does not spin")
        for client in crowd.prefix(90) { client.close() }
        #expect(eventually { (try? RawClient(place).get().status) == 200 }, "places are free again")
        for client in crowd.suffix(10) { #expect(try client.get().status == 200, "who waited outside is served") }
    }

    /// Clock ticks (10 ms) of user and system time.
    private func cpuTicks(_ sluice: SluiceProcess) -> Int {
        let fields = text(of: "/proc/\(sluice.child.pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 12 ? (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) : 0
    }

    private static let blocks = 96
    private static let size = blocks * block.count
    /// More than all socket buffers on the way can hold: `tcp_rmem` often ends at 32 MiB, `tcp_wmem` at 4.
    private static let kernelHolds = 64 * 1024 * 1024
    private static let block = [UInt8](repeating: 120, count: 1024 * 1024)

    @Test("an upload to an upstream that does not read is held back, not held in memory", arguments: [true, false])
    func slowUpstream(chunked: Bool) throws {
        let (door, arrived) = (Door(), Count())
        let script: ScriptedUpstream.Script = { peer in
            peer.patience = .seconds(60)
            let head = try peer.request()
            if head.target == "/slow" { door.wait() }
            if chunked {
                arrived.add(try peer.body().bytes.count)
            } else {
                arrived.add(try peer.discard(Int(head["content-length"] ?? "") ?? 0))
            }
            try peer.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        }
        try staged(script, workers: 1) { stage in
            for _ in 0..<4 { #expect(try upload(stage.client(), "/quick", chunked: chunked, blocks: 8).status == 200) }
            let warm = stage.sluice.residentKiB
            let client = try stage.client()
            client.patience = .seconds(60)
            try client.send(head("/slow", chunked: chunked, blocks: Self.blocks))
            var sent: [UInt8] = []
            for _ in 0..<Self.blocks { sent += chunked ? TestSupport.bytes("100000\r\n") + Self.block + [13, 10] : Self.block }
            if chunked { sent += TestSupport.bytes("0\r\n\r\n") }
            let taken = try client.sendWhatFits(sent, patience: .seconds(1))
            #expect(taken < Self.kernelHolds, "the kernel's buffers are all there is: \(taken)")
            #expect(stage.sluice.residentKiB - warm < 1536, "held \(stage.sluice.residentKiB - warm) KiB")
            door.open()
            try client.send(bytes: Array(sent[taken...]))
            let answer = try client.readAnswer(to: "POST")
            #expect(answer.status == 200, "\(answer.text) \(text(of: stage.sluice.accessLog).suffix(700))")
            #expect(arrived.value == Self.size + 4 * 8 * 1024 * 1024)
            #expect(stage.sluice.residentKiB - warm < 2048, "held \(stage.sluice.residentKiB - warm) KiB after it flowed")
        }
    }

    private func head(_ target: String, chunked: Bool, blocks: Int) -> String {
        request("POST", target, chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(blocks * Self.block.count)")
    }

    private func upload(_ client: RawClient, _ target: String, chunked: Bool, blocks: Int) throws -> Answer {
        client.patience = .seconds(60)
        try client.send(head(target, chunked: chunked, blocks: blocks))
        for _ in 0..<blocks {
            if chunked { try client.send("100000\r\n") }
            try client.send(bytes: Self.block)
            if chunked { try client.send("\r\n") }
        }
        if chunked { try client.send("0\r\n\r\n") }
        return try client.readAnswer(to: "POST")
    }

    @Test("a download to a client that does not read is held back, not held in memory")
    func slowClient() throws {
        let sent = Count()
        let script: ScriptedUpstream.Script = { peer in
            peer.patience = .seconds(60)
            while true {
                let target = try peer.wholeRequest().target
                let blocks = target == "/large" ? Self.blocks : 4
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(blocks * Self.block.count)\r\n\r\n")
                for _ in 0..<blocks * 16 {
                    try peer.send(bytes: Array(Self.block.prefix(65536)))
                    if target == "/large" { sent.add(65536) }
                }
            }
        }
        try staged(script, workers: 1) { stage in
            for _ in 0..<4 { #expect(try stage.client().get("/small").isWhole) }
            let warm = stage.sluice.residentKiB
            let client = try stage.client()
            try client.send(request("GET", "/large"))
            var before = -1
            #expect(
                eventually {
                    before = sent.value
                    return before > 0 && throughout(.milliseconds(300)) { sent.value == before }
                })
            #expect(before < Self.kernelHolds, "\(before / 1024) KiB left the upstream")
            #expect(stage.sluice.residentKiB - warm < 1536, "held \(stage.sluice.residentKiB - warm) KiB")
            #expect(try client.readHead().status == 200)
            client.patience = .seconds(60)
            #expect(try client.discard(Self.size) == Self.size)
            #expect(try client.get("/small").isWhole)
        }
    }

    @Test("a client that pipelines without reading is held back, not held in memory, and gets every answer in the end")
    func pipeliningWithoutReading() throws {
        let answer = String(repeating: "x", count: 4096)
        try staged(ScriptedUpstream.answering(answer), workers: 1) { stage in
            let warmUp = try stage.client()
            for _ in 0..<50 { #expect(try warmUp.get().status == 200) }
            let warm = stage.sluice.residentKiB
            let client = try stage.client()
            client.limitReceiveBuffer(64 * 1024)
            // Doubled, since bytes one by one take seconds in a debug build.
            var flood = TestSupport.bytes(request())
            while flood.count < Self.kernelHolds { flood += flood }
            let taken = try client.sendWhatFits(flood, patience: .seconds(1))
            #expect(taken < flood.count, "it reads on without an end")
            #expect(stage.sluice.residentKiB - warm < 1536, "held \(stage.sluice.residentKiB - warm) KiB")
            for _ in 0..<2000 { #expect(try client.readAnswer().body.bytes.count == 4096) }
            client.reset()
            warmUp.close()
            #expect(stage.isQuiet)
        }
    }

    @Test(
        "an upstream that is stopped costs its own requests a 504 and nobody else anything; it comes back",
        .enabled(if: Program.find("nginx") != nil))
    func stopped() throws {
        let (nginx, quick) = (try NginxUpstream(), try ScriptedUpstream())
        let yaml = """
            defaults: { timeouts: { response_header: 300ms } }
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes: [{ match: { path: /quick }, service: quick }, { match: { path: / }, service: slow }]
            services:
              slow: { pools: { only: { targets: ["\(nginx.place)"] } } }
              quick: { pools: { only: { targets: ["\(quick.place)"] } } }
            """
        let (stop, proceed) = (Int32(19), Int32(18))
        try staged(yaml) { sluice in
            let (client, other) = (try sluice.client(), try sluice.client())
            #expect(try client.get("/hello.txt").status == 200)
            nginx.child.signal(stop)
            for _ in 0..<3 {
                try client.send(request("GET", "/hello.txt"))
                for _ in 0..<10 { #expect(try other.get("/quick").status == 200) }
                #expect(try client.readAnswer().status == 504)
            }
            nginx.child.signal(proceed)
            #expect(try eventually { try client.get("/hello.txt").text == "hello\n" })
        }
    }

    @Test("a kept-alive exchange costs four data calls and no epoll_ctl", .enabled(if: Program.find("strace") != nil))
    func systemCalls() throws {
        try staged(workers: 1) { stage in
            let client = try stage.client()
            for _ in 0..<20 { #expect(try client.get().status == 200) }
            let folder = try TemporaryFolder()
            let strace = try Child(
                ["strace", "-f", "-c", "-U", "calls,name", "-o", folder["table"], "-p", "\(stage.sluice.child.pid)"], output: folder["out"],
                errors: folder["err"])
            #expect(eventually { strace.exit != nil || text(of: folder["err"]).contains("attached") })
            guard strace.exit == nil else { return }  // tracing is not permitted here
            for _ in 0..<200 { #expect(try client.get().status == 200) }
            strace.signal(2)
            #expect(strace.waitForExit(within: .seconds(10)) != nil)
            var calls: [String: Int] = [:]
            for line in text(of: folder["table"]).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, let count = Int(words[0]) { calls[String(words[1])] = count }
            }
            let data = ["read", "recvfrom", "recvmsg", "readv", "write", "sendto", "sendmsg", "writev"].reduce(0) { $0 + (calls[$1] ?? 0) }
            #expect(data <= 4 * 200 + 10, "\(calls)")
            #expect(data >= 4 * 200, "the trace saw the exchanges: \(calls)")
            #expect(calls["epoll_ctl", default: 0] == 0, "\(calls)")
        }
    }
}
