import TestSupport
import Testing

/// Upstreams that are late, silent, absent, or that change their mind.
@Suite struct SlowUpstreamTests {
    @Test("an upstream that never answers is a 504 at its deadline")
    func neverAnswers() throws {
        try staged(ScriptedUpstream.once { $0.waitUntilAbandoned() }, top: "defaults: { timeouts: { response_header: 300ms } }") { stage in
            let (answer, span) = try timed { try stage.client().get() }
            #expect(answer.status == 504)
            #expect(span > .milliseconds(250) && span < .seconds(5))
            #expect(eventually { stage.origin.abandoned == 1 })
            #expect(stage.isQuiet)
        }
    }

    @Test("a head that trickles past the deadline is a 504, one that trickles within it is not")
    func tricklingHead() throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
        let script = ScriptedUpstream.once { peer in
            try peer.dribble(answer + "ok")
            try peer.request()
            for byte in answer.utf8 {
                try peer.send(bytes: [byte])
                _ = throughout(.milliseconds(50)) { true }
            }
        }
        try staged(script, top: "defaults: { timeouts: { response_header: 500ms } }", workers: 1) { stage in
            let client = try stage.client()
            #expect(try client.get().text == "ok")
            let (slow, span) = try timed { try client.get() }
            #expect(slow.status == 504)
            #expect(span < .milliseconds(1700), "the deadline is for the whole head: \(span)")
        }
    }

    @Test("a body that falls silent is cut at the idle deadline")
    func silentBody() throws {
        let script = ScriptedUpstream.once { peer in
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nabc")
            peer.waitUntilAbandoned()
        }
        try staged(script, top: "defaults: { timeouts: { idle: 300ms } }") { stage in
            let (answer, span) = try timed { try stage.client().get() }
            #expect(answer.status == 200 && !answer.isWhole && answer.text == "abc")
            #expect(span < .seconds(5))
            #expect(eventually { stage.origin.abandoned == 1 })
        }
    }

    @Test("a body slower than the idle deadline in all, but never silent that long, arrives whole")
    func slowBody() throws {
        let script = ScriptedUpstream.once { peer in
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
            for _ in 0..<10 {
                try peer.send("x")
                _ = throughout(.milliseconds(100)) { true }
            }
        }
        try staged(script, top: "defaults: { timeouts: { idle: 500ms } }") { stage in
            let answer = try stage.client().get()
            #expect(answer.isWhole && answer.text == "xxxxxxxxxx")
        }
    }

    @Test("an upload may take longer than connecting and idling may", arguments: [true, false])
    func slowUpload(reused: Bool) throws {
        let top = "defaults: { timeouts: { connect: 200ms, keepalive: 400ms } }"
        try staged(ScriptedUpstream.answering("ok"), top: top, workers: 1) { stage in
            let client = try stage.client()
            if reused { #expect(try client.get().status == 200) }
            try client.send(request("POST", "/", "Content-Length: 10") + "01234")
            #expect(eventually { stage.origin.requests.count == (reused ? 2 : 1) })
            _ = throughout(.milliseconds(800)) { true }
            try client.send("56789")
            #expect(try client.readAnswer(to: "POST").text == "ok")
            #expect(stage.origin.connections == 1, "one attempt, on one connection")
        }
    }

    @Test("a target that refuses is passed over, and no request fails")
    func refusing() throws {
        let (dead, alive) = (try RefusingPort(), try ScriptedUpstream())
        try staged(SluiceProcess.forwarding(to: [dead.place, alive.place])) { sluice in
            let client = try sluice.client()
            for _ in 0..<10 { #expect(try client.get().status == 200) }
            for _ in 0..<10 { #expect(try client.post("/", "hello").status == 200, "nothing of a POST was sent to the dead one") }
        }
    }

    @Test("when every target refuses, the client is told so")
    func allRefusing() throws {
        let dead = [try RefusingPort(), try RefusingPort()]
        try staged(SluiceProcess.forwarding(to: dead.map(\.place))) { sluice in
            let client = try sluice.client()
            for _ in 0..<3 {
                let status = try client.get().status
                #expect(status == 502 || status == 503)
            }
        }
    }

    @Test("a service without targets is a 503 that says when to come back")
    func noTargets() throws {
        try staged(SluiceProcess.forwarding(to: [])) { sluice in
            let answer = try sluice.client().get()
            #expect(answer.status == 503)
            #expect(answer["retry-after"] != nil)
        }
    }

    @Test("a connect that hangs goes to another target, or is a 504")
    func connectTimeout() throws {
        let (silent, alive) = (try SilentPort(), try ScriptedUpstream())
        let top = "defaults: { timeouts: { connect: 200ms } }"
        try staged(SluiceProcess.forwarding(to: [silent.place], top: top)) { sluice in
            let (answer, span) = try timed { try sluice.client().get() }
            #expect(answer.status == 504)
            #expect(span < .seconds(5))
        }
        try staged(SluiceProcess.forwarding(to: [silent.place, alive.place], top: top)) { sluice in
            let client = try sluice.client()
            for _ in 0..<4 { #expect(try client.get().status == 200) }
        }
    }

    @Test("a flood of interim responses has an end")
    func interimFlood() throws {
        let script = ScriptedUpstream.once { peer in
            let hints = String(repeating: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", count: 100)
            for _ in 0..<100_000 { try peer.send(hints) }
        }
        try staged(script) { stage in
            let client = try stage.client()
            try client.send(request())
            var interims = 0
            var final: Int?
            do {
                while final == nil, interims < 100_000 {
                    let status = try client.readHead().status
                    if (100..<200).contains(status) { interims += 1 } else { final = status }
                }
            } catch WireError.closed {} catch WireError.reset {}
            #expect(interims < 10_000)
            #expect(final == nil || final == 502)
            #expect(stage.isQuiet || final == 502)
        }
    }

    @Test("a 101 that nobody asked for is not passed on")
    func unaskedSwitch() throws {
        let script = ScriptedUpstream.once { peer in
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes")
            peer.waitUntilAbandoned()
        }
        try staged(script) { stage in
            let answer = try stage.client().get()
            #expect(answer.status == 502)
            #expect(eventually { stage.origin.abandoned == 1 })
        }
    }
}
