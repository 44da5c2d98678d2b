import Config
import DataPlane
import Routing
import Telemetry
import TestSupport
import Testing

/// What a pause does to requests: none begins, none is lost.
@Suite struct HoldTests {
    @Test("two hundred clients held over a pause and a flip are all answered by the new pool")
    func flipWhilePaused() throws {
        let shop = try PausedShop(workers: 4)
        try shop.pause()
        let clients = try shop.askingClients(200)
        #expect(shop.isHolding(200))
        #expect(shop.inFlight == 0)
        try shop.pause(on: "green")
        #expect(throughout(.milliseconds(100)) { shop.state.heldCount == 200 && !clients.contains { $0.hasInput } })
        try shop.resume(on: "green", ramp: .milliseconds(200))
        for client in clients { #expect(try client.readAnswer().text == "green") }
        #expect(shop.blue.requests.isEmpty)
        #expect(shop.green.requests.count == 200)
        #expect(shop.state.heldCount == 0 && shop.state.heldBytes == 0)
        #expect(eventually { shop.state.activeCount == 0 && shop.inFlight == 0 })
    }

    @Test("one request more than may be held gets 503 with Retry-After, and the held ones stay", arguments: [true, false])
    func overflow(byCount: Bool) throws {
        let shop = try PausedShop()
        try byCount ? shop.pause(requests: 3) : shop.pause(bytes: 130)
        let clients = try shop.askingClients(3)
        #expect(shop.isHolding(3))
        let late = try shop.fleet.client()
        let refused = try late.get()
        #expect(refused.status == 503 && refused["retry-after"] != nil)
        #expect(shop.state.heldCount == 3)
        try shop.resume()
        for client in clients { #expect(try client.readAnswer().text == "blue") }
        #expect(try late.get().text == "blue", "the connection goes on")
    }

    @Test("a request is held for max_wait and not longer; a longer pause in between counts for it")
    func maxWait() throws {
        let shop = try PausedShop()
        try shop.pause(maxWait: 200)
        let clients = try shop.askingClients(3)
        #expect(shop.isHolding(3))
        #expect(throughout(.milliseconds(100)) { shop.state.heldCount == 3 })
        for client in clients {
            let refused = try client.readAnswer()
            #expect(refused.status == 503 && refused["retry-after"] != nil)
        }
        #expect(shop.isHolding(0))
        try shop.pause(maxWait: 1000)
        let patient = try shop.askingClients(1)[0]
        #expect(shop.isHolding(1))
        try shop.pause(maxWait: 60_000)
        #expect(throughout(.milliseconds(1300)) { !patient.hasInput })
        try shop.resume()
        #expect(try patient.readAnswer().text == "blue")
    }

    @Test("a client that vanishes while it is held is forgotten, whether it shuts or resets, body or none")
    func vanishing() throws {
        let shop = try PausedShop()
        try shop.pause()
        let clients = try shop.askingClients(4)
        #expect(shop.isHolding(4))
        for client in clients[0..<2] {
            try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf")
        }
        let posting = try (0..<2).map { _ in try shop.fleet.client() }
        for client in posting { try client.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf") }
        #expect(shop.isHolding(6))
        for client in [clients[0], clients[2], posting[0]] { client.reset() }
        #expect(shop.isHolding(3))
        for client in [clients[1], posting[1]] { client.close() }
        #expect(shop.isHolding(1))
        try shop.resume()
        #expect(try clients[3].readAnswer().text == "blue")
        #expect(shop.blue.requests.count == 1)
        #expect(shop.state.heldBytes == 0)
        #expect(eventually { shop.fleet.reports().allSatisfy { $0.exchangesInFlight == 0 } })
    }

    @Test("of a held request no body is read and Expect is not answered; after the pause it arrives whole")
    func bodies() throws {
        let shop = try PausedShop()
        try shop.pause()
        let size = 64 * 1024 * 1024
        let client = try shop.fleet.client()
        try client.send("POST /up HTTP/1.1\r\nHost: a.test\r\nContent-Length: \(size)\r\nExpect: 100-continue\r\n\r\n")
        #expect(shop.isHolding(1))
        #expect(throughout(.milliseconds(100)) { !client.hasInput })
        let body = [UInt8](repeating: 120, count: size)
        let sent = try client.sendWhatFits(body, patience: .milliseconds(300))
        #expect(sent < size, "the kernel's buffers are all that it may fill")
        #expect(shop.state.heldBytes < 1024)
        try shop.resume()
        #expect(try client.sendWhatFits(Array(body[sent...]), patience: .seconds(10)) == size - sent)
        #expect(try client.readAnswer().text == "blue")
        #expect(shop.blue.requests.map(\.body.bytes.count) == [size])
    }

    @Test("pipelined requests wait behind the held one and are answered in order")
    func pipelined() throws {
        let shop = try PausedShop(blue: ScriptedUpstream.echoingHeads)
        try shop.pause()
        let client = try shop.fleet.client()
        try client.send((0..<3).map { "GET /\($0) HTTP/1.1\r\nHost: a.test\r\n\r\n" }.joined())
        #expect(shop.isHolding(1))
        try shop.resume()
        for index in 0..<3 { #expect(try client.readAnswer().text.hasPrefix("GET /\(index) ")) }
    }

    @Test("what waited for a place when the pause came is held, and not timed out by the queue")
    func queued() throws {
        let door = Door()
        let shop = try PausedShop(
            blue: { peer in
                while true {
                    if try peer.wholeRequest().target == "/0" { door.wait() }
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                }
            },
            adjust: { $0.services[0].limits.admit(1, queue: 5, for: .milliseconds(700)) })
        let first = try shop.askingClients(1)[0]
        #expect(eventually { shop.blue.requests.count == 1 })
        let waiting = try (1...3).map { _ in try shop.fleet.client() }
        for client in waiting { try client.send("GET /w HTTP/1.1\r\nHost: a.test\r\n\r\n") }
        #expect(eventually { shop.state.queuedCount == 3 })
        try shop.pause()
        #expect(shop.isHolding(3))
        #expect(shop.state.queuedCount == 0)
        door.open()
        #expect(try first.readAnswer().text == "ok")
        #expect(throughout(.milliseconds(1000)) { !waiting.contains { $0.hasInput } && shop.blue.requests.count == 1 })
        try shop.resume()
        for client in waiting { #expect(try client.readAnswer().text == "ok") }
    }

    @Test("a retry under a pause gives its target back and waits; the new pool answers it")
    func retry() throws {
        let door = Door()
        let shop = try PausedShop(
            blue: { peer in
                try peer.wholeRequest()
                if peer.number == 1 { try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }
                try peer.wholeRequest()
                door.wait()
            }, adjust: { $0.services[0].retryAttempts = 1 })
        let client = try shop.fleet.client()
        #expect(try client.get().text == "ok")
        try client.send("GET /again HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(eventually { shop.blue.requests.count == 2 })
        try shop.pause()
        #expect(shop.inFlight == 1)
        door.open()
        #expect(shop.isHolding(1))
        #expect(shop.inFlight == 0)
        try shop.resume(on: "green")
        #expect(try client.readAnswer().text == "green")
        #expect(eventually { shop.state.activeCount == 0 && shop.inFlight == 0 })
    }

    @Test("a quick stop answers the held ones with 503, and holds nobody any more")
    func quickStop() throws {
        let shop = try PausedShop()
        try shop.pause()
        let clients = try shop.askingClients(6)
        #expect(shop.isHolding(6))
        for worker in shop.fleet.workers { worker.endHolds() }
        for client in clients { #expect(try client.readAnswer().status == 503) }
        #expect(try clients[0].get().status == 503)
        #expect(shop.state.heldCount == 0)
    }

    @Test("a loop that stops answers what it holds")
    func stop() throws {
        let shop = try PausedShop()
        try shop.pause()
        let clients = try shop.askingClients(6)
        #expect(shop.isHolding(6))
        shop.fleet.stop()
        for client in clients {
            #expect(try client.readAnswer().status == 503)
            #expect(client.isEnded)
        }
        #expect(shop.state.heldCount == 0)
    }

    @Test("the log counts the wait as queue time, and tells who was refused over a pause")
    func log() throws {
        let folder = try TemporaryFolder()
        let log = LogWriter()
        try log.open(path: folder["access.log"])
        let shop = try PausedShop(log: log, adjust: { $0.accessLog.format = .json })
        try shop.pause(maxWait: 60_000, requests: 1)
        let held = try shop.askingClients(1)[0]
        #expect(shop.isHolding(1))
        #expect(try shop.fleet.client().get("/over").status == 503)
        #expect(throughout(.milliseconds(120)) { !held.hasInput })
        try shop.resume()
        #expect(try held.readAnswer().text == "blue")
        try shop.pause(maxWait: 50)
        #expect(try shop.fleet.client().get("/late").status == 503)
        shop.fleet.stop()
        log.close()
        let lines = text(of: folder["access.log"]).split(separator: "\n").compactMap { JSON($0) }
        let byTarget = Dictionary(lines.map { ($0["target"].string ?? "", $0) }) { first, _ in first }
        let answered = try #require(byTarget["/0"])
        #expect(answered["termination"].string == "--" && answered["attempts"].int == 1)
        #expect((answered["queue_us"].int ?? 0) > 120_000 && (answered["connect_us"].int ?? .max) < 100_000)
        for target in ["/over", "/late"] {
            let refused = try #require(byTarget[target])
            #expect(refused["termination"].string == "PP" && refused["pool"].string == "" && refused["attempts"].int == 0)
        }
    }

    @Test("a service that a reload removes lets its held ones go: there is no route for them any more")
    func removed() throws {
        let shop = try PausedShop()
        try shop.pause()
        let clients = try shop.askingClients(3)
        #expect(shop.isHolding(3))
        let state = shop.state
        try shop.fleet.publish(to: shop.blue.place) { $0.services = [] }
        _ = shop.fleet.adopt()
        for client in clients { #expect(try client.readAnswer().status == 404) }
        #expect(state.heldCount == 0)
    }
}
