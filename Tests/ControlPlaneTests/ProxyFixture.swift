internal import Config
@testable internal import ControlPlane
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

/// A proxy with real sockets and fake loops, as the control queue sees it.
struct ProxyFixture {
    let scratch: Scratch
    let proxy: Proxy
    let workers: [FakeWorker]
    /// Text of the file that is live.
    let file: String

    static let plain = """
        listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
        services:
          shop:
            pools: { blue: { targets: ["127.0.0.1:1"] }, green: { targets: ["127.0.0.1:2"] } }
            split: { blue: 100 }
            drain: { timeout: 7s, tunnels: 9s }

        """

    init(_ file: String = plain, loops: Int = 2, inherited: InheritedSockets = InheritedSockets(), confirm: Duration = .milliseconds(200))
        throws
    {
        scratch = Scratch()
        self.file = file
        let configuration = try Self.configuration(file)
        let keys = KeyReading(configuration, after: KeyShelf(), .whole).shelf
        let log = OperatorLog(descriptor: -1)
        let resolved = Resolver().resolve(configuration.endpoints(under: ReleaseState()), previous: [:], keepsLastGood: false).found
        let listeners = Listeners(inherited: inherited)
        let plan = try listeners.plan(configuration, resolved: resolved)
        let graph = LiveGraph()
        let built = try graph.build(configuration, resolved: resolved, material: keys.material, epoch: 1)
        _ = graph.commit(built)
        let first = built.snapshot
        let cell = SnapshotCell(first)
        workers = (0..<loops).map { FakeWorker(index: $0, cell: cell) }
        _ = listeners.commit(plan)
        proxy = Proxy(
            workers: workers, listeners: listeners, publisher: Publisher(cell: cell, workers: workers, deadline: confirm), graph: graph,
            accessLog: LogWriter(), log: log, health: try HealthScheduler(log: log), configuration: configuration, resolved: resolved,
            snapshot: first, keys: keys)
    }

    func reload(_ file: String, resolver: Resolver = Resolver()) -> Reload.Outcome {
        Reload(proxy: proxy, resolver: resolver).run(Self.load(file))
    }

    /// Closes the sockets; the kernel would do it at exit, but there are many tests.
    func close() { proxy.close(proxy.listeners.closeAll(), within: .seconds(1)) }

    static func load(_ file: String) -> LoadedConfiguration {
        switch ConfigurationFile.parse(text: Array(file.utf8), file: "test.yaml", environment: [:]) {
        case .valid(let configuration, let warnings): .valid(configuration, warnings: warnings.map(DiagnosticReport.init))
        case .invalid(let diagnostics): .invalid(diagnostics.map(DiagnosticReport.init))
        }
    }

    struct Invalid: Error { var text: [String] }

    static func configuration(_ file: String) throws -> Configuration {
        switch load(file) {
        case .valid(let configuration, _): return configuration
        case .invalid(let diagnostics): throw Invalid(text: diagnostics.map(\.text))
        }
    }
}

extension Reload.Outcome {
    var refusal: Reload.Refusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    var diff: [String]? { if case .changed(let diff, _) = self { diff } else { nil } }
}
