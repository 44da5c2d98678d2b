import Config
import DataPlane
import Routing
import Synchronization
import TestSupport
import Testing

/// How a pause begins and ends: no claim after its acknowledgement, and a ramp at its end.
@Suite struct ResumeTests {
    @Test("held requests go off in the order they came, one place at a time, though the queue is closed")
    func order() throws {
        let shop = try PausedShop(workers: 1, adjust: { $0.services[0].limits.admit(1, queue: 0, for: .milliseconds(1)) })
        try shop.pause()
        let clients = try (0..<40).map { _ in try shop.fleet.client() }
        for (index, client) in clients.enumerated() {
            try client.send("GET /\(index) HTTP/1.1\r\nHost: a.test\r\n\r\n")
            #expect(shop.isHolding(index + 1))
        }
        #expect(shop.state.activeCount == 0, "places are for those who run")
        try shop.resume()
        for client in clients { #expect(try client.readAnswer().status == 200) }
        #expect(shop.blue.requests.map { $0.head.target } == (0..<40).map { "/\($0)" })
    }

    @Test("the ramp lets go a batch at a time, and not before its time")
    func ramp() throws {
        let shop = try PausedShop(workers: 1)
        try shop.pause()
        let clients = try shop.askingClients(100)
        #expect(shop.isHolding(100))
        let began = ContinuousClock.now
        // 50 steps of 20 ms: two at once, and two batches never closer than half a step.
        try shop.resume(ramp: .seconds(1))
        let isGentle = eventually {
            let held = shop.state.heldCount
            let elapsed = began.duration(to: .now)
            let batches = 1 + Int((elapsed / .milliseconds(10)) as Double)
            if held < 100 - 2 * batches { Issue.record("\(100 - held) let go after \(elapsed)") }
            return held == 0
        }
        #expect(isGentle)
        #expect(began.duration(to: .now) > .milliseconds(490))
        for client in clients { #expect(try client.readAnswer().text == "blue") }
    }

    @Test("during the ramp new requests pass, and a second pause keeps those that have not gone")
    func secondPause() throws {
        let shop = try PausedShop(workers: 1)
        try shop.pause()
        let clients = try shop.askingClients(50)
        #expect(shop.isHolding(50))
        try shop.resume(ramp: .seconds(60))
        #expect(try shop.fleet.client().get().text == "blue")
        try shop.pause(on: "green")
        let left = shop.state.heldCount
        #expect(left > 40)
        #expect(throughout(.milliseconds(100)) { shop.state.heldCount == left })
        try shop.resume(on: "green")
        let answers = try clients.map { try $0.readAnswer().text }
        #expect(answers.filter { $0 == "green" }.count == left)
        #expect(answers.allSatisfy { $0 == "green" || $0 == "blue" })
    }

    @Test("once every loop acknowledged a pause nothing is claimed until the resume, under load on four loops, and nothing is lost")
    func noClaimAfterAcknowledgement() throws {
        let shop = try PausedShop(workers: 4)
        let isOver = Count()
        let (answered, failed, ended) = (Count(), Count(), Count())
        let (fleet, load) = (shop.fleet, 12)
        for _ in 0..<load {
            let client = try fleet.client()
            let box = UnsafeClient(client: client)
            onOwnThread {
                while isOver.value == 0 {
                    if let answer = try? box.client.get(), answer.status == 200 { answered.add(1) } else { failed.add(1) }
                }
                ended.add(1)
            }
        }
        for round in 0..<20 {
            let (pool, next) = round % 2 == 0 ? ("blue", "green") : ("green", "blue")
            let before = answered.value
            #expect(eventually { answered.value > before + 50 })
            try shop.pause(on: pool)
            var last = shop.inFlight
            let isCalm = eventually {
                let now = shop.inFlight
                if now > last { Issue.record("round \(round): a claim after the acknowledgement") }
                last = now
                return now == 0 && shop.state.heldCount == load
            }
            #expect(isCalm)
            let (blue, green) = (shop.blue.requests.count, shop.green.requests.count)
            #expect(throughout(.milliseconds(20)) { shop.inFlight == 0 })
            #expect(shop.blue.requests.count == blue && shop.green.requests.count == green)
            try shop.resume(on: next, ramp: .milliseconds(20))
            #expect(eventually { shop.state.heldCount == 0 })
        }
        isOver.add(1)
        #expect(eventually { ended.value == load })
        #expect(failed.value == 0)
        #expect(shop.blue.requests.count + shop.green.requests.count == answered.value)
        withExtendedLifetime(fleet) {}
    }

    /// A client that one thread after the other uses.
    ///
    /// SAFETY: made here, then used by the one thread that it is given to.
    private struct UnsafeClient: @unchecked Sendable {
        let client: RawClient
    }
}
