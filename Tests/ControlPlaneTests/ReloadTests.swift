internal import Config
@testable internal import ControlPlane
internal import DataPlane
internal import Glibc
internal import Net
internal import Routing
internal import Testing

@Suite struct ReloadTests {
    @Test("a changed split is published under the next epoch and every loop takes it")
    func split() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let outcome = fixture.reload(fixture.file.replacing("blue: 100", with: "blue: 90, green: 10"))
        #expect(outcome.diff == ["~ service shop: split blue 100 → blue 90 green 10"])
        #expect(fixture.proxy.epoch == 2)
        for worker in fixture.workers { #expect(worker.events == [.adopted(2, retired: [])]) }
    }

    @Test("a file that means the same keeps the epoch")
    func unchanged() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        guard case .unchanged = fixture.reload("# a comment\n" + fixture.file) else {
            Issue.record("expected no change")
            return
        }
        #expect(fixture.proxy.epoch == 1)
        #expect(fixture.workers[0].events.isEmpty)
    }

    @Test("a target that leaves is retired only after every loop acknowledged, then its leases get the service's drain times")
    func retire() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let blue = fixture.proxy.snapshot.services[0].pools[0].members[0].target
        for worker in fixture.workers { worker.watch([blue]) }
        #expect(fixture.reload(fixture.file.replacing("127.0.0.1:1\"", with: "127.0.0.1:3\"")).diff != nil)
        #expect(blue.isRetired)
        for worker in fixture.workers {
            #expect(
                worker.events == [
                    .adopted(2, retired: [false]), .adopted(2, retired: [true]),
                    .ended("127.0.0.1:1", exchanges: .seconds(7), tunnels: .seconds(9)),
                ])
        }
    }

    @Test("a target that stays is the same object, with its counts")
    func keep() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let before = fixture.proxy.snapshot.services[0].pools[0].members[0].target
        _ = fixture.reload(fixture.file.replacing("blue: 100", with: "blue: 50, green: 50"))
        #expect(fixture.proxy.snapshot.services[0].pools[0].members[0].target === before)
    }

    @Test("a stuck loop makes the reload say so")
    func stuck() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        fixture.workers[1].stick(true)
        defer { fixture.workers[1].stick(false) }
        guard case .unconfirmed(let silent, _, _) = fixture.reload(fixture.file.replacing("blue: 100", with: "green: 100")) else {
            Issue.record("expected an unconfirmed reload")
            return
        }
        #expect(silent == [1])
        #expect(fixture.proxy.epoch == 2)
    }

    static let refusals: [(change: @Sendable (String) -> String, name: String)] = [
        ({ $0 + "wrokers: 3\n" }, "invalid-configuration"),
        ({ $0 + "workers: 3\n" }, "needs-restart"),
        ({ $0 + "state_dir: /tmp/elsewhere\n" }, "needs-restart"),
        ({ $0 + "admin: { socket: /tmp/elsewhere.sock }\n" }, "needs-restart"),
        ({ $0 + "access_log: { path: /proc/nowhere/access.log }\n" }, "cannot-open-log"),
        ({ $0.replacing("127.0.0.1:1\"", with: "no-such-name.invalid:1\"") }, "cannot-resolve"),
        ({ $0.replacing("127.0.0.1:0\"", with: "127.0.0.1:0\", \"192.0.2.1:0\"") }, "cannot-bind"),
    ]

    @Test("a refused reload changes nothing", arguments: refusals.indices)
    func refused(index: Int) throws {
        let (change, name) = Self.refusals[index]
        let quiet = "access_log: { format: \"off\" }\n"
        let fixture = try ProxyFixture(ProxyFixture.plain + quiet)
        defer { fixture.close() }
        let before = (fixture.proxy.configuration, fixture.proxy.listeners.open.map(\.id), fixture.proxy.snapshot)
        let text = change(ProxyFixture.plain) + (name == "cannot-open-log" ? "" : quiet)
        var resolver = Resolver()
        resolver.lookUp = { host, port in
            .failure(Resolver.Failure(endpoint: .tcp(host: host, port: port), reason: "Name or service not known"))
        }
        let refusal = fixture.reload(text, resolver: resolver).refusal
        #expect(refusal?.name == name, "\(String(describing: refusal))")
        #expect(fixture.proxy.configuration == before.0)
        #expect(fixture.proxy.listeners.open.map(\.id) == before.1)
        #expect(fixture.proxy.snapshot === before.2)
        for worker in fixture.workers { #expect(worker.events.isEmpty) }
        #expect(TestSocket.accepts(fixture.proxy.listeners.open[0].address))
    }

    @Test("a listener that cannot be bound refuses the reload whole and closes what was opened for it")
    func bindConflict() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let (taken, port) = TestSocket.listening()
        defer { Glibc.close(taken) }
        let path = fixture.scratch["new.sock"]
        let outcome = fixture.reload(
            fixture.file.replacing("listeners: [", with: "listeners: [{ name: new, bind: [\"unix:\(path)\", \"127.0.0.1:\(port)\"] }, "))
        #expect(outcome.refusal?.name == "cannot-bind")
        #expect(outcome.refusal?.hint?.contains("another process") == true)
        #expect(fixture.proxy.epoch == 1)
        #expect(access(path, F_OK) != 0, "the socket that was opened first is gone again")
    }

    @Test("diagnostics of an invalid file travel with the refusal")
    func diagnostics() throws {
        let fixture = try ProxyFixture()
        defer { fixture.close() }
        let refusal = fixture.reload(fixture.file + "wrokers: 3\n").refusal
        #expect(refusal?.diagnostics.first?.text.hasPrefix("test.yaml:") == true)
        #expect(refusal?.diagnostics.first?.line == 7)
    }

    @Test("an address that moves under the same name is a new epoch; one that did not move is none")
    func dns() throws {
        let file = ProxyFixture.plain.replacing("127.0.0.1:1\"", with: "localhost:1\"")
        let fixture = try ProxyFixture(file)
        defer { fixture.close() }
        let reload = Reload(proxy: fixture.proxy, resolver: Resolver())
        #expect(reload.adopt(fixture.proxy.resolved) == nil)
        let moved = try #require(SocketAddress(literal: "127.0.0.7", port: 1))
        #expect(reload.adopt([.tcp(host: "localhost", port: 1): moved]) == [])
        #expect(fixture.proxy.epoch == 2)
        #expect(fixture.proxy.snapshot.services[0].pools[0].members[0].target.identity.address == moved)
        #expect(reload.adopt([.tcp(host: "not-ours", port: 1): moved]) == nil)
    }
}
