@testable internal import ControlPlane
internal import DataPlane
internal import Dispatch
internal import Glibc
internal import Net
internal import Synchronization
internal import Telemetry
internal import TestSupport
internal import Testing

/// The controller with real sockets and fake loops, asked as the admin socket asks it.
///
/// SAFETY: the fixture under the controller is touched on the control queue; the rest is constant.
private final class ControllerFixture: @unchecked Sendable {
    let fixture: ProxyFixture
    let controller: Controller
    let resources: Resources
    let state = ServingState()
    let events = EventLog()
    private let ended = DispatchSemaphore(value: 0)

    init(_ text: String = ProxyFixture.plain) throws {
        let fixture = try ProxyFixture(text)
        self.fixture = fixture
        let file = FileBox(text)
        self.box = file
        let (journal, _, _) = try Journal.open(directory: fixture.scratch.path)
        controller = Controller(
            proxy: fixture.proxy, journal: journal, resolver: Resolver(), state: state, notifier: ServiceNotifier(environment: [:]),
            events: events,
            token: AdminToken(nil), configPath: "test.yaml",
            load: { ProxyFixture.load(file.text) }, ended: { [ended] in ended.signal() })
        resources = Resources(controller: controller, state: state, events: events, releases: controller)
        state.enter(.serving)
    }

    private final class FileBox: Sendable {
        private let held: Mutex<String>
        init(_ text: String) { held = Mutex(text) }
        var text: String {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }
    private let box: FileBox

    func write(_ text: String) { box.text = text }

    func ask(_ method: String, _ path: String, _ body: String = "") -> (status: Int, body: String, allow: String?) {
        let answers = Answers<AdminResponse>(count: 1)
        resources.handle(AdminRequest(method: method, path: path, body: Array(body.utf8))) { answers.put($0, at: 0) }
        guard let response = answers.wait(for: .seconds(10))[0] else { return (0, "", nil) }
        return (response.status, String(decoding: response.body, as: UTF8.self), response.allow)
    }

    func hasEnded(within limit: Duration) -> Bool { ended.wait(timeout: .now() + limit.dispatch) == .success }
}

@Suite struct ControllerTests {
    @Test("status tells of loops, listeners, services and targets")
    func status() throws {
        let proxy = try ControllerFixture()
        var report = WorkerReport()
        report.downstreamConnections = 3
        report.targets = [TargetReport(), TargetReport()]
        report.targets[0].requests = 7
        for worker in proxy.fixture.workers { worker.hold(report) }
        let answer = proxy.ask("GET", "/v1/status")
        #expect(answer.status == 200)
        for part in [
            "\"epoch\" : 1", "\"state\" : \"serving\"", "\"connections\" : 3", "\"requests\" : 14", "\"share\" : 100",
            "\"name\" : \"shop\"",
            "\"bind\" : \"127.0.0.1:0\"", "\"pid\" : \(getpid())",
        ] {
            #expect(answer.body.contains(part), "\(part) in \(answer.body)")
        }
    }

    @Test("a loop that does not answer is shown as such, in time")
    func stuck() throws {
        let proxy = try ControllerFixture()
        proxy.fixture.workers[1].stick(true)
        let answer = proxy.ask("GET", "/v1/status")
        #expect(answer.status == 200)
        #expect(answer.body.contains("\"answering\" : false"))
        #expect(answer.body.contains("\"answering\" : true"))
    }

    @Test("the times of all loops are one distribution for each pool, in milliseconds; a pool without any has none")
    func latency() throws {
        let proxy = try ControllerFixture()
        for (worker, times) in zip(proxy.fixture.workers, [0..<50, 50..<100]) {
            var report = WorkerReport()
            var histogram = LatencyHistogram()
            for time in times { histogram.record(microseconds: Int64(time) * 1000) }
            report.pools = [histogram]
            worker.hold(report)
        }
        let pools = try #require(JSON(proxy.ask("GET", "/v1/status").body))["services"][0]["pools"]
        let latency = pools.first(where: "name", is: "blue")["latency_ms"]
        #expect(latency["count"].int == 100)
        for (key, wanted) in [("p50", 49.0), ("p90", 89.0), ("p99", 98.0), ("max", 99.0)] {
            guard case .number(let value) = latency[key] else {
                Issue.record("\(key): \(latency)")
                continue
            }
            #expect(abs(value - wanted) <= wanted * 0.016, "\(key)")
        }
        #expect(pools.first(where: "name", is: "green")["latency_ms"] == .null)
    }

    @Test("one service can be asked for; an unknown one is 404 with the names there are")
    func service() throws {
        let proxy = try ControllerFixture()
        #expect(proxy.ask("GET", "/v1/status/shop").status == 200)
        let unknown = proxy.ask("GET", "/v1/status/nope")
        #expect(unknown.status == 404)
        #expect(unknown.body.contains("services: shop"))
    }

    @Test(
        "unknown paths are 404, wrong methods 405 with the right one",
        arguments: [
            ("GET", "/", 404, nil), ("GET", "/v2/status", 404, nil), ("GET", "/v1/status/a/b", 404, nil), ("POST", "/v1/flip", 404, nil),
            ("POST", "/v1/status", 405, "GET, HEAD"), ("GET", "/v1/reload", 405, "POST"), ("DELETE", "/v1/shutdown", 405, "POST"),
            ("POST", "/healthz", 405, "GET, HEAD"), ("GET", "/healthz", 200, nil), ("GET", "/readyz", 200, nil),
            ("HEAD", "/readyz", 200, nil),
        ] as [(String, String, Int, String?)])
    func paths(method: String, path: String, status: Int, allow: String?) throws {
        let answer = try ControllerFixture().ask(method, path)
        #expect(answer.status == status)
        #expect(answer.allow == allow)
    }

    @Test("reload answers with epoch and diff, then with no change, then with the errors")
    func reload() throws {
        let proxy = try ControllerFixture()
        proxy.write(ProxyFixture.plain.replacing("blue: 100", with: "blue: 1, green: 1"))
        let changed = proxy.ask("POST", "/v1/reload")
        #expect(changed.status == 200)
        #expect(changed.body.contains("~ service shop: split blue 100 → blue 50 green 50"))
        #expect(changed.body.contains("\"epoch\" : 2"))
        #expect(proxy.ask("POST", "/v1/reload").body.contains("\"changed\" : false"))
        proxy.write(ProxyFixture.plain + "wrokers: 2\n")
        let refused = proxy.ask("POST", "/v1/reload")
        #expect(refused.status == 422)
        #expect(refused.body.contains("urn:sluice:problem:invalid-configuration"))
        #expect(refused.body.contains("\"line\" : 7"))
        let status = proxy.ask("GET", "/v1/status").body
        #expect(status.contains("\"ok\" : false"))
        #expect(status.contains("\"epoch\" : 2"))
    }

    @Test("quick stop lets go of the listeners, drains and stops the loops")
    func quickStop() throws {
        let proxy = try ControllerFixture()
        let address = proxy.fixture.proxy.listeners.open[0].address
        #expect(proxy.ask("POST", "/v1/shutdown", "[]").status == 400)
        #expect(proxy.ask("POST", "/v1/shutdown").status == 202)
        #expect(proxy.hasEnded(within: .seconds(10)))
        #expect(!TestSocket.accepts(address))
        for worker in proxy.fixture.workers { #expect(worker.events == [.stoppedAccepting(1), .drained, .stopped]) }
        #expect(proxy.ask("GET", "/readyz").status == 503)
        #expect(proxy.ask("POST", "/v1/reload").status == 409)
    }

    @Test("in lame duck it still serves and says that it should not be asked; a quick stop cuts it short")
    func lameDuck() throws {
        let proxy = try ControllerFixture(ProxyFixture.plain + "shutdown: { lame_duck: 1h, drain_timeout: 1h }\n")
        let address = proxy.fixture.proxy.listeners.open[0].address
        #expect(proxy.ask("POST", "/v1/shutdown", "{\"graceful\": true}").status == 202)
        #expect(proxy.ask("GET", "/v1/status").body.contains("\"state\" : \"lame-duck\""))
        #expect(proxy.ask("GET", "/readyz").status == 503)
        #expect(proxy.ask("GET", "/healthz").status == 200)
        #expect(TestSocket.accepts(address))
        proxy.controller.perform(.quickStop)
        #expect(proxy.hasEnded(within: .seconds(10)))
    }

    @Test("a graceful stop waits for the last connection, and not beyond the drain timeout")
    func drain() throws {
        let proxy = try ControllerFixture(ProxyFixture.plain + "shutdown: { drain_timeout: 300ms }\n")
        var report = WorkerReport()
        report.downstreamConnections = 1
        proxy.fixture.workers[0].hold(report)
        proxy.controller.perform(.gracefulStop)
        #expect(!proxy.hasEnded(within: .milliseconds(150)))
        #expect(proxy.hasEnded(within: .seconds(10)))

        let quick = try ControllerFixture(ProxyFixture.plain + "shutdown: { drain_timeout: 1h }\n")
        quick.fixture.workers[0].hold(report) { $0.downstreamConnections = 0 }
        quick.controller.perform(.gracefulStop)
        #expect(quick.hasEnded(within: .seconds(10)))
    }

    @Test("a second quick stop does not wait for what is in flight")
    func twice() throws {
        let proxy = try ControllerFixture()
        var report = WorkerReport()
        report.exchangesInFlight = 1
        proxy.fixture.workers[0].hold(report)
        let began = ContinuousClock.now
        proxy.controller.perform(.quickStop)
        proxy.controller.perform(.quickStop)
        #expect(proxy.hasEnded(within: .seconds(10)))
        #expect(ContinuousClock.now - began < .milliseconds(900))
    }
}
