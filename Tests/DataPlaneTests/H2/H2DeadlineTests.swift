import Config
import DataPlane
import Net
import TestSupport
import Testing

/// How HTTP/2 connections of clients end: by drain, by silence, by windows that stay shut.
@Suite struct H2DeadlineTests {
    @Test("a drain says GOAWAY, lets what is under way finish, and closes")
    func drain() throws {
        let door = Door()
        let origin = try ScriptedUpstream { peer in
            try peer.wholeRequest()
            door.wait()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            peer.waitUntilAbandoned()
        }
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let id = try client.request()
        #expect(eventually { origin.requests.count == 1 })
        for worker in fleet.workers { worker.drainConnections() }
        #expect(try client.until { client.goAways.count == 2 })
        #expect(client.goAways == [Int32.max, id] && client[id].status == 0)
        door.open()
        #expect(try client.until { client[id].isEnded })
        #expect(client[id].text == "done")
        #expect(try client.until { client.isClosed })
        #expect(eventually { fleet.reports().allSatisfy { $0.http2Connections == 0 } })
    }

    @Test("a connection that says nothing more is closed by GOAWAY after the keep-alive time")
    func idle() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet.h2(to: origin.place) { $0.timeouts.keepalive = .milliseconds(200) }
        let client = try fleet.h2Client()
        #expect(try client.answer(client.request()).status == 200)
        #expect(try client.until { client.isClosed })
        #expect(!client.goAways.isEmpty)
        withExtendedLifetime(fleet) {}
    }

    @Test("a preface with nothing behind it, and a header block without an end, have the time of a request's head")
    func slowHead() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet.h2(to: origin.place) { $0.timeouts.requestHeader = .milliseconds(200) }
        let silent = try fleet.client()
        try silent.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        let slow = try fleet.client()
        // SETTINGS, then HEADERS without END_HEADERS.
        try slow.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try slow.send(bytes: [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82])
        _ = try silent.readToEnd()
        _ = try slow.readToEnd()
        #expect(eventually { fleet.reports().allSatisfy { $0.http2Connections == 0 } })
    }

    @Test("a client that is silent while it waits is asked by PING, and lost when nothing answers")
    func silence() throws {
        let origin = try ScriptedUpstream { peer in
            try peer.wholeRequest()
            peer.waitUntilAbandoned()
        }
        let fleet = try Fleet.h2(to: origin.place) {
            $0.http2.pingInterval = .milliseconds(100)
            $0.http2.pingTimeout = .milliseconds(200)
        }
        let client = try fleet.h2Client()
        let id = try client.request()
        // It answers each PING as long as it listens.
        #expect(try !client.until(within: .milliseconds(600)) { client.isClosed || client[id].code != nil })
        #expect(eventually { origin.abandoned == 1 && fleet.reports().allSatisfy { $0.http2Connections == 0 } })
    }

    @Test("a connection that has come of age is drained while requests go on")
    func age() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet.h2(to: origin.place) { $0.listeners[0].maxConnectionAge = .milliseconds(300) }
        let client = try fleet.h2Client()
        var last: Int32 = 0
        let isTold = try client.until(within: .seconds(30)) {
            guard client.goAways.isEmpty, let id = try? client.request() else { return client.goAways.count == 2 }
            // What is begun before the GOAWAY is known is answered.
            let answer = try client.answer(id)
            #expect(answer.status == 200)
            last = id
            return false
        }
        #expect(isTold && client.goAways == [Int32.max, last])
        #expect(try client.until { client.isClosed })
        withExtendedLifetime(fleet) {}
    }

    @Test("a client that keeps its windows shut loses its stream, and the upstream is free again; the connection stays")
    func stalled() throws {
        let origin = try ScriptedUpstream { peer in
            while true {
                let target = try peer.wholeRequest().target
                let body = String(repeating: "x", count: target == "/large" ? 400_000 : 10)
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
        }
        let fleet = try Fleet.h2(to: origin.place) { $0.timeouts.idle = .milliseconds(300) }
        let client = try fleet.h2Client()
        client.consumes = false
        let large = try client.answer(client.request("/large"))
        #expect(large.status == 200 && !large.isEnded && large.code == 8)
        #expect(large.body.count < 400_000)
        client.consumes = true
        #expect(try client.answer(client.request("/small")).text == "xxxxxxxxxx")
        #expect(eventually { fleet.reports().allSatisfy { $0.exchangesInFlight == 0 } })
    }
}
