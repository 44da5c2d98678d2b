@testable internal import ControlPlane
internal import Dispatch
internal import Glibc
internal import Routing
internal import TLS
internal import TestSupport
internal import Testing

/// A proxy with certificates, looked at by hand.
private struct Watched {
    let keys: KeyMaterialFixture
    let fixture: ProxyFixture
    let queue = DispatchQueue(label: "test")
    let watch: KeyWatch
    let events = EventLog(first: 1)

    init() throws {
        keys = try KeyMaterialFixture()
        fixture = try ProxyFixture(keys.file("shop", "other"))
        let events = events
        watch = KeyWatch(proxy: fixture.proxy, queue: queue, events: events) { true }
    }

    var store: CertificateStore? { queue.sync { fixture.proxy.snapshot.listener(named: "web")?.certificates } }
    var epoch: Epoch { queue.sync { fixture.proxy.epoch } }
    var refusals: [String: KeyVerdicts.Refusal] { queue.sync { watch.verdicts.refusals } }
    var told: String {
        var position = EventLog.Position.oldest
        return String(decoding: events.read(after: &position, room: 1 << 20), as: UTF8.self)
    }

    func look(times: Int = 1) {
        for _ in 0..<times {
            let version = queue.sync { fixture.proxy.keysVersion }
            queue.sync { watch.look() }
            #expect(eventually { queue.sync { fixture.proxy.keysVersion } > version })
        }
    }
}

@Suite struct KeyWatchTests {
    @Test("a changed pair is taken once it stays as it is, under a new epoch and for new connections alone")
    func swap() throws {
        let stage = try Watched()
        defer { stage.fixture.close() }
        let before = try #require(stage.store)
        let target = stage.fixture.proxy.snapshot.services[0].pools[0].members[0].target
        stage.look(times: 3)
        #expect(stage.epoch == 1 && stage.store === before)
        try stage.keys.install("shop2", as: "shop")
        stage.look()
        #expect(stage.store === before, "somebody may still be writing")
        stage.look()
        let after = try #require(stage.store)
        #expect(stage.epoch == 2 && after !== before)
        #expect(after.certificates[0].digest != before.certificates[0].digest && after.certificates[1] === before.certificates[1])
        #expect(stage.fixture.workers.allSatisfy { $0.events == [.adopted(2, retired: [])] }, "no connection was touched")
        #expect(stage.fixture.proxy.snapshot.services[0].pools[0].members[0].target === target)
        #expect(stage.watch.swaps == 1 && stage.refusals.isEmpty)
        #expect(stage.told.contains("\"outcome\":\"swapped\"") && stage.told.contains("\"owner\":\"listener web\""), "\(stage.told)")
        stage.look(times: 3)
        #expect(stage.epoch == 2)
    }

    @Test("links that are swapped, as certbot and Kubernetes do, are followed")
    func links() throws {
        let keys = try KeyMaterialFixture()
        for name in ["one", "two"] { #expect(mkdir(keys[name], 0o755) == 0) }
        for (folder, source) in [("one", "shop"), ("two", "shop2")] {
            try keys.install(source, as: "\(folder)/tls")
        }
        #expect(symlink("one", keys["data"]) == 0)
        let fixture = try ProxyFixture(keys.file("data/tls"))
        defer { fixture.close() }
        let queue = DispatchQueue(label: "test")
        let watch = KeyWatch(proxy: fixture.proxy, queue: queue, events: EventLog(), mayChange: { true })
        #expect(symlink("two", keys["next"]) == 0 && rename(keys["next"], keys["data"]) == 0)
        let isSwapped = eventually {
            queue.sync { watch.look() }
            return queue.sync { watch.swaps } == 1
        }
        #expect(isSwapped)
    }

    @Test("a half-written pair is nobody's fault; one that stays bad is refused once, the old one serves, and good files heal it")
    func halves() throws {
        let stage = try Watched()
        defer { stage.fixture.close() }
        let before = try #require(stage.store)
        try stage.keys.installCertificate("shop2", as: "shop")
        stage.look(times: 3)
        #expect(stage.refusals.isEmpty && stage.store === before)
        try stage.keys.installKey("shop2", as: "shop")
        stage.look(times: 2)
        #expect(stage.refusals.isEmpty && stage.epoch == 2)
        let second = stage.store

        try stage.keys.installKey("other", as: "shop")
        stage.look(times: 1 + KeyVerdicts.patience)
        let refusal = try #require(stage.refusals["listener web"])
        #expect(refusal.reasons.count == 1 && refusal.reasons[0].contains("the private key does not belong to the certificate"))
        #expect(stage.store === second && stage.epoch == 2)
        stage.look(times: 3)
        #expect(stage.watch.refusals == 1, "it is told once")
        #expect(stage.told.contains("\"outcome\":\"refused\""))
        unlink(stage.keys["shop.key"])
        stage.look(times: 2)
        #expect(stage.refusals["listener web"]?.reasons.first?.contains("No such file") == true)
        // The other certificate of the listener is not held up by its neighbour.
        try stage.keys.install("shop2", as: "other")
        stage.look(times: 2)
        #expect(stage.epoch == 3 && stage.store?.certificates[0] === second?.certificates[0])

        try stage.keys.install("shop", as: "shop")
        stage.look(times: 2)
        #expect(stage.refusals.isEmpty && stage.epoch == 4)
    }

    @Test("nothing is published while nothing may change")
    func frozen() throws {
        let keys = try KeyMaterialFixture()
        let fixture = try ProxyFixture(keys.file("shop"))
        defer { fixture.close() }
        let queue = DispatchQueue(label: "test")
        let watch = KeyWatch(proxy: fixture.proxy, queue: queue, events: EventLog(), mayChange: { false })
        try keys.install("shop2", as: "shop")
        queue.sync {
            watch.look()
            watch.look()
        }
        #expect(throughout(.milliseconds(50)) { queue.sync { fixture.proxy.epoch == 1 && fixture.proxy.keysVersion == 0 } })
    }

    @Test("a reload takes changed files at once, tells what changed, and refuses bad ones without effect")
    func reload() throws {
        let keys = try KeyMaterialFixture()
        let fixture = try ProxyFixture(keys.file("shop", "other"))
        defer { fixture.close() }
        guard case .unchanged(let warnings) = fixture.reload(fixture.file) else {
            Issue.record("expected no change")
            return
        }
        #expect(warnings.map(\.message).contains { $0.contains(") expires in ") })
        try keys.install("shop2", as: "shop")
        #expect(fixture.reload(fixture.file).diff == ["~ listener web: certificates"])
        #expect(fixture.proxy.epoch == 2)
        let snapshot = fixture.proxy.snapshot
        try keys.installKey("other", as: "shop")
        let refusal = try #require(fixture.reload(fixture.file.replacing("blue: 100", with: "green: 100")).refusal)
        #expect(refusal.name == "bad-certificate" && refusal.hint != nil)
        #expect(refusal.detail.hasPrefix("listener web: \(keys["shop.key"]): the private key does not belong to the certificate"))
        #expect(fixture.proxy.snapshot === snapshot && fixture.proxy.keys.material.listeners["web"] === snapshot.listeners[0].certificates)
        #expect(Resources.answer(.refused(refusal), epoch: 2).status == 422, "exit 3")
        // A switch reads no file.
        #expect(throws: Never.self) { _ = try fixture.proxy.build(fixture.proxy.release, resolved: fixture.proxy.resolved) }
    }

    @Test("ticket keys reach every loop, and turn after half a day with the former ones kept for one more")
    func tickets() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let start: Int64 = 1_800_000_000
        let first = TicketKeys(now: start)
        fixture.proxy.adopt(first)
        fixture.proxy.turnTicketKeys(now: start + Proxy.ticketPeriod - 1)
        #expect(fixture.workers.allSatisfy { $0.ticketKeys == [first] })
        fixture.proxy.turnTicketKeys(now: start + Proxy.ticketPeriod)
        let second = fixture.proxy.ticketKeys
        #expect(second.newest == start + Proxy.ticketPeriod && second != first)
        #expect(fixture.workers.allSatisfy { $0.ticketKeys == [first, second] })
        #expect(TicketKeys(exported: second.exported) == second)
        // A clock that was wrong.
        fixture.proxy.turnTicketKeys(now: start - 10 * Proxy.ticketPeriod)
        #expect(fixture.proxy.ticketKeys.newest == start - 10 * Proxy.ticketPeriod)
    }

    @Test("status and metrics tell names, ends and refusals")
    func status() throws {
        let stage = try Watched()
        defer { stage.fixture.close() }
        try stage.keys.installKey("other", as: "shop")
        stage.look(times: 1 + KeyVerdicts.patience)
        let proxy = stage.fixture.proxy
        var report = StatusReport(
            proxy, reports: [], state: .serving, uptime: .seconds(1), config: ConfigStatus(file: "f", lastReload: nil))
        stage.queue.sync { report.add(proxy.keys, proxy.configuration, stage.watch) }
        let listener = try #require(report.listeners.first)
        #expect(listener.protocols == ["h2", "http/1.1"])
        #expect(listener.certificates?.map(\.names) == [["shop.test"], ["other.test"]])
        // Made within the last minutes.
        #expect(listener.certificates?.map { ($0.expiresIn + 3600) / 86_400 } == [40, 5])
        #expect(listener.keyRefusal?.reasons.count == 1)
        let page = Metrics.text(report)
        #expect(page.contains("sluice_certificate_expiry_seconds{listener=\"web\",name=\"other.test\"} 43"), "\(page)")
        #expect(page.contains("sluice_certificate_refusals_total 1\n"))
    }
}
