import Config
import DataPlane
import Net
import Routing
import Telemetry
import TestSupport
import Testing

/// What the control plane may rely on when it talks to the loops.
@Suite struct FleetTests {
    @Test("after every loop acknowledged an epoch nothing begins on what it replaced, on any connection")
    func acknowledgement() throws {
        let (old, new) = (try ScriptedUpstream(ScriptedUpstream.answering("old")), try ScriptedUpstream(ScriptedUpstream.answering("new")))
        let fleet = try Fleet(workers: 4, to: old.place)
        let clients = try (0..<24).map { _ in try fleet.client() }
        for client in clients { #expect(try client.get().text == "old") }
        for round in 2...9 {
            let (next, last) = round % 2 == 0 ? (new, old) : (old, new)
            try fleet.publish(to: next.place)
            #expect(fleet.adopt() == Array(repeating: UInt64(round), count: 4))
            let before = last.requests.count
            for client in clients { #expect(try client.get().text == (round % 2 == 0 ? "new" : "old")) }
            #expect(last.requests.count == before)
        }
    }

    @Test("an exchange takes the newest snapshot though nobody told its loop")
    func newestWithoutWord() throws {
        let (old, new) = (try ScriptedUpstream(ScriptedUpstream.answering("old")), try ScriptedUpstream(ScriptedUpstream.answering("new")))
        let fleet = try Fleet(workers: 2, to: old.place)
        let client = try fleet.client()
        #expect(try client.get().text == "old")
        try fleet.publish(to: new.place)
        #expect(try client.get().text == "new")
        withExtendedLifetime(fleet) {}
    }

    @Test("connections are spread over the loops, and reports count them")
    func spread() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet(workers: 4, to: origin.place)
        let clients = try (0..<40).map { _ in try fleet.client() }
        for client in clients { #expect(try client.get().status == 200) }
        let reports = fleet.reports()
        #expect(reports.map(\.worker) == [0, 1, 2, 3])
        #expect(reports.map(\.downstreamConnections).reduce(0, +) == 40)
        #expect(reports.allSatisfy { (5...20).contains($0.downstreamConnections) }, "\(reports.map(\.downstreamConnections))")
        #expect(reports.map(\.requests).reduce(0, +) == 40)
        #expect(reports.map { $0.responses[2] }.reduce(0, +) == 40)
        #expect(reports.map(\.idleUpstreamConnections).reduce(0, +) == origin.openConnections)
        for client in clients { client.close() }
        #expect(eventually { fleet.reports().allSatisfy { $0.downstreamConnections == 0 && $0.exchangesInFlight == 0 } })
    }

    @Test("a target that is given the number of one that left begins at zero, and so do its pool's times")
    func countsBeginAtZero() throws {
        let origins = try (0..<3).map { _ in try ScriptedUpstream() }
        let fleet = try Fleet(workers: 2, to: origins[0].place)
        func total(_ ordinal: Int) -> UInt64 {
            fleet.reports().reduce(0) { $0 + ($1.targets.indices.contains(ordinal) ? $1.targets[ordinal].requests : 0) }
        }
        func times() -> UInt64 { fleet.reports().flatMap(\.pools).compactMap { $0?.count }.reduce(0, +) }
        let client = try fleet.client()
        for _ in 0..<5 { #expect(try client.get().status == 200) }
        #expect(total(0) == 5 && times() == 5)
        try fleet.publish(to: origins[1].place)
        #expect(fleet.adopt() == [2, 2])
        for _ in 0..<3 { #expect(try client.get().status == 200) }
        #expect(total(0) == 5 && total(1) == 3 && times() == 8, "the pool is the same")
        try fleet.publish(to: origins[2].place) {
            $0.services[0].pools[0].name = "next"
            $0.services[0].split[0].pool = "next"
        }
        #expect(fleet.adopt() == [3, 3])
        #expect(total(0) == 0 && times() == 0)
        #expect(try client.get().status == 200)
        #expect(total(0) == 1 && times() == 1)
    }

    @Test("once every loop confirmed, no connection is taken any more, and those that are there go on")
    func stopAccepting() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet(workers: 3, to: origin.place)
        let inside = try fleet.client()
        #expect(try inside.get().status == 200)
        #expect(fleet.stopAccepting() == [0, 1, 2])
        let outside = try fleet.client()
        try outside.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(try inside.get().status == 200)
        #expect(throughout(.milliseconds(200)) { !outside.hasInput })
        #expect(fleet.reports().map(\.downstreamConnections).reduce(0, +) == 1)
    }

    @Test("draining says close on the next response and closes idle connections")
    func drain() throws {
        let door = Door()
        let script: ScriptedUpstream.Script = { peer in
            while true {
                if try peer.wholeRequest().target == "/held" { door.wait() }
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
        let origin = try ScriptedUpstream(script)
        let fleet = try Fleet(workers: 2, to: origin.place)
        let (busy, idle) = (try fleet.client(), try fleet.client())
        #expect(try idle.get().status == 200)
        try busy.send("GET /held HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(eventually { origin.requests.contains { $0.head.target == "/held" } })
        for worker in fleet.workers { worker.drainConnections() }
        #expect(idle.isEnded)
        door.open()
        let answer = try busy.readAnswer()
        #expect(answer.status == 200 && answer["connection"]?.lowercased() == "close")
        #expect(busy.isEnded)
        #expect(eventually { fleet.reports().allSatisfy { $0.downstreamConnections == 0 } })
    }

    @Test("a lease on a retired target ends at its deadline and not before; tunnels have their own")
    func endLeases() throws {
        let script: ScriptedUpstream.Script = { peer in
            if try peer.wholeRequest().target == "/ws" {
                try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            } else {
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
            }
            peer.waitUntilAbandoned()
        }
        let (old, new) = (try ScriptedUpstream(script), try ScriptedUpstream())
        let fleet = try Fleet(workers: 2, to: old.place)
        let (tunnel, download) = (try fleet.client(), try fleet.client())
        try tunnel.send("GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        #expect(try tunnel.readAnswer().status == 101)
        try download.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(try download.readHead().status == 200)
        #expect(latin1(try download.read(5)) == "half ")
        let leaving = try fleet.publish(to: new.place)
        #expect(fleet.adopt() == [2, 2])
        #expect(leaving.map(\.inFlight) == [2])
        for target in leaving {
            for worker in fleet.workers { worker.endLeases(on: target, exchanges: .milliseconds(400), tunnels: .milliseconds(1200)) }
        }
        #expect(throughout(.milliseconds(200)) { !download.hasInput && !tunnel.hasInput })
        #expect(download.isEnded)
        #expect(eventually { leaving.map(\.inFlight) == [1] })
        #expect(throughout(.milliseconds(200)) { !tunnel.hasInput }, "tunnels have longer")
        #expect(tunnel.isEnded)
        #expect(eventually { leaving.map(\.inFlight) == [0] })
        #expect(eventually { old.abandoned == 2 })
    }

    @Test("a stopped loop has let go of every connection, and says so once")
    func stop() throws {
        let origin = try ScriptedUpstream { peer in
            try peer.wholeRequest()
            peer.waitUntilAbandoned()
        }
        let fleet = try Fleet(workers: 3, to: origin.place)
        let clients = try (0..<6).map { _ in try fleet.client() }
        for client in clients { try client.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n") }
        #expect(eventually { origin.requests.count == 6 })
        #expect(fleet.stop() == [0, 1, 2])
        #expect(clients.allSatisfy { $0.isEnded })
        #expect(eventually { origin.openConnections == 0 })
    }
}
