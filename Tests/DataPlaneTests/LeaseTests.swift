import DataPlane
import Net
import Routing
import TestSupport
import Testing

/// Who holds a target, and how leases end when an operator wants them back.
@Suite struct LeaseTests {
    /// 101 for /ws, half an answer for the others; then silence.
    private static let holding: ScriptedUpstream.Script = { peer in
        if try peer.wholeRequest().target.hasPrefix("/ws") {
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        } else {
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
        }
        peer.waitUntilAbandoned()
    }

    private static func tunnel(_ fleet: Fleet, _ target: String = "/ws") throws -> RawClient {
        let client = try fleet.client()
        try client.send("GET \(target) HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        #expect(try client.readAnswer().status == 101)
        return client
    }

    private static func download(_ fleet: Fleet) throws -> RawClient {
        let client = try fleet.client()
        try client.send("GET /d HTTP/1.1\r\nHost: a.test\r\n\r\n")
        #expect(try client.readHead().status == 200)
        #expect(latin1(try client.read(5)) == "half ")
        return client
    }

    @Test("holders are told with their client, age and bytes, the oldest first and no more than asked for")
    func holders() throws {
        let origin = try ScriptedUpstream(Self.holding)
        let fleet = try Fleet(workers: 1, to: origin.place)
        let first = try Self.tunnel(fleet)
        #expect(throughout(.milliseconds(30)) { !first.hasInput })
        let second = try Self.download(fleet)
        let targets = try #require(fleet.shop?.pools[0].members.map(\.target))
        let all = fleet.holders(of: targets, limit: 100)
        try #require(all.count == 2)
        #expect(all.map(\.isTunnel) == [true, false])
        #expect(all[0].age > all[1].age && all[0].age > .milliseconds(30))
        for holder in all {
            #expect(holder.service == "shop" && holder.pool == "only" && holder.target == "\(origin.place)")
            #expect(holder.client.hasPrefix("127.0.0.1:") && holder.requestID.utf8.count == 36 && holder.worker == 0)
            #expect(holder.bytesIn > 30 && holder.bytesOut > 40)
        }
        #expect(fleet.holders(of: targets, limit: 1).map(\.requestID) == [all[0].requestID])
        #expect(fleet.holders(of: [], limit: 10).isEmpty)
        first.close()
        second.reset()
        #expect(eventually { fleet.holders(of: targets, limit: 10).isEmpty })
        #expect(eventually { fleet.reports().map(\.tunnels) == [0] })
    }

    @Test("tunnels of a drained target end over the last tenth of their span, not in one instant, and by a plain close")
    func spread() throws {
        let origin = try ScriptedUpstream(Self.holding)
        let fleet = try Fleet(workers: 2, to: origin.place)
        let clients = try (0..<40).map { _ in try Self.tunnel(fleet) }
        let target = try #require(fleet.shop?.pools[0].members[0].target)
        target.setClosed(true)
        let began = ContinuousClock.now
        for worker in fleet.workers { worker.endLeases(on: target, exchanges: .seconds(60), tunnels: .seconds(3)) }
        #expect(eventually { target.inFlight < 40 })
        #expect(began.duration(to: .now) > .milliseconds(2600))
        var steps: Set<Int> = []
        #expect(
            eventually {
                steps.insert(target.inFlight)
                return target.inFlight == 0
            })
        #expect(steps.count > 3, "seen: \(steps.sorted())")
        for client in clients { #expect(try client.readToEnd().isEmpty) }
        #expect(eventually { fleet.reports().allSatisfy { $0.tunnels == 0 } })
    }

    @Test("a drain that is taken back leaves its exchanges in peace")
    func takenBack() throws {
        let origin = try ScriptedUpstream(Self.holding)
        let fleet = try Fleet(workers: 2, to: origin.place)
        let (tunnel, download) = (try Self.tunnel(fleet), try Self.download(fleet))
        let target = try #require(fleet.shop?.pools[0].members[0].target)
        for worker in fleet.workers {
            worker.endLeases(on: target, exchanges: .milliseconds(300), tunnels: .milliseconds(300))
            worker.keepLeases(on: target)
        }
        #expect(throughout(.milliseconds(600)) { !tunnel.hasInput && !download.hasInput })
        #expect(target.inFlight == 2)
    }

    @Test("a loop that is stalled acknowledges when it is free again, and not before")
    func stall() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet(workers: 2, to: origin.place)
        let late = Count()
        let began = Count()
        fleet.workers[1].stall(for: .milliseconds(600)) { began.add(1) }
        #expect(eventually { began.value == 1 })
        #expect(!fleet.workers[1].isBetweenTurns && eventually { fleet.workers[0].isBetweenTurns })
        fleet.workers[1].adoptNewest { _, _ in late.add(1) }
        fleet.workers[0].adoptNewest { _, _ in late.add(10) }
        #expect(eventually { late.value == 10 })
        #expect(throughout(.milliseconds(200)) { late.value == 10 })
        #expect(eventually { late.value == 11 })
        #expect(eventually { fleet.workers[1].isBetweenTurns })
    }
}
