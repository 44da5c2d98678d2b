import TestSupport
import Testing

/// A loop that hangs: what was promised of it is not claimed (DESIGN §1, promise 1).
@Suite struct StallTests {
    private func order(_ sluice: SluiceProcess, _ body: String) throws -> Answer {
        try RawClient(.unix(sluice.adminSocket)).ask(
            "POST /v1/debug/stall HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    @Test("while a loop is stalled a publish names it and exits 8; afterwards the next one is confirmed")
    func stalled() throws {
        let (blue, green) = (
            try ScriptedUpstream(ScriptedUpstream.answering("blue")), try ScriptedUpstream(ScriptedUpstream.answering("green"))
        )
        let sluice = try SluiceProcess(
            SluiceProcess.forwarding(to: [blue.place]), workers: 3,
            wrapper: ["env", "SLUICE_DEBUG=1", "SLUICE_DEBUG_ACK_DEADLINE_MS=300"])
        defer { expectAlive(sluice) }
        #expect(try order(sluice, #"{"loop": 1, "milliseconds": 2500}"#).status == 202)
        let began = ContinuousClock.now
        let refused = try sluice.reload(SluiceProcess.forwarding(to: [green.place]))
        #expect(refused.exit == .code(8), "\(refused.errors)")
        #expect((refused.errors + refused.output).contains("loop 1 "), "\(refused.errors)")
        #expect(began.duration(to: .now) > .milliseconds(300))
        // What is published stays published: a loop that was asleep chooses under the newest epoch.
        #expect(try eventually { try sluice.status()["workers"].items.allSatisfy { $0["epoch"].int == 2 } })
        for _ in 0..<12 { #expect(try sluice.client().get().text == "green") }
        #expect(try sluice.reload(SluiceProcess.forwarding(to: [blue.place])).exit == .code(0))
    }

    @Test("while a loop is stalled `flip` waits, exits 8 and says so; what that loop was sent in the meantime goes to the new pool")
    func stalledFlip() throws {
        let (blue, green) = (
            try ScriptedUpstream(ScriptedUpstream.answering("blue")), try ScriptedUpstream(ScriptedUpstream.answering("green"))
        )
        let sluice = try SluiceProcess(
            """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
                split: { blue: 100 }
            """, workers: 4, wrapper: ["env", "SLUICE_DEBUG=1", "SLUICE_DEBUG_ACK_DEADLINE_MS=300"])
        defer { expectAlive(sluice) }
        // Enough that some belong to each loop.
        let clients = try (0..<24).map { _ in try sluice.client() }
        for client in clients { #expect(try client.get().text == "blue") }
        #expect(try order(sluice, #"{"loop": 2, "milliseconds": 2000}"#).status == 202)
        let (flip, took) = try timed { try sluice.cli("flip", "shop", "green", "-o", "json") }
        #expect(flip.exit == .code(8), "\(flip.output) \(flip.errors)")
        #expect(took > .milliseconds(300))
        let receipt = try #require(JSON(flip.output), "\(flip.output) \(flip.errors)")
        #expect(receipt["outcome"].string == "unconfirmed" && receipt["split"]["green"].int == 100)
        #expect(receipt["acknowledgements"].items.map { $0["microseconds"].int == nil } == [false, false, true, false])
        // Those of the stalled loop wait for it to wake, and are not late: it takes the epoch before it chooses.
        for client in clients { try client.send(request()) }
        for client in clients { #expect(try client.readAnswer().text == "green") }
        let again = try sluice.cli("flip", "shop", "green", "-o", "json")
        #expect(again.exit == .code(0), "\(again.output) \(again.errors)")
        #expect(try sluice.cli("flip", "shop", "blue").exit == .code(0))
        for client in clients { #expect(try client.get().text == "blue") }
    }

    @Test("stalling needs SLUICE_DEBUG=1, a loop that is there, and a time within reason")
    func refused() throws {
        let plain = try SluiceProcess(SluiceProcess.forwarding(to: [.v4(1)]))
        #expect(try order(plain, #"{"loop": 0, "milliseconds": 10}"#).status == 404)
        let debugging = try SluiceProcess(SluiceProcess.forwarding(to: [.v4(1)]), wrapper: ["env", "SLUICE_DEBUG=1"])
        #expect(try order(debugging, #"{"loop": 9, "milliseconds": 10}"#).status == 404)
        for body in ["", "{}", #"{"loop": 0, "milliseconds": 0}"#, #"{"loop": 0, "milliseconds": 600000}"#] {
            #expect(try order(debugging, body).status == 400, "\(body)")
        }
        expectAlive(debugging)
    }
}
