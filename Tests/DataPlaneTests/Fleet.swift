import Config
import DataPlane
import Net
import Policy
import Routing
import Synchronization
import Telemetry
import TestSupport

/// Real loops in this process, with a control plane that is the test itself.
final class Fleet {
    let workers: [WorkerHandle]
    let port: ListeningPort
    let socket: ListeningSocket
    let snapshots: SnapshotCell
    private let registry = TargetRegistry()
    private var epoch: Epoch = 0
    private var isStopped = false

    /// Loops that accept for one service, whose one pool has this one target.
    init(workers: Int, to target: Place, log: LogWriter = LogWriter(), adjust: (inout Configuration) -> Void = { _ in }) throws {
        port = try ListeningPort()
        snapshots = SnapshotCell(Snapshot(epoch: 0))
        self.workers = try WorkerHandle.fleet(of: workers, snapshots: snapshots, log: log)
        socket = ListeningSocket(
            id: 1, listener: "web", text: "\(port.place)", address: Self.address(port.place), descriptor: port.descriptor)
        try publish(to: target, adjust: adjust)
        for worker in self.workers {
            try worker.start()
            worker.accept(on: socket)
        }
    }

    deinit { stop() }

    /// Publishes the service with this target instead of the one before; nobody is told yet.
    /// - Returns: the targets that left.
    @discardableResult func publish(to target: Place, adjust: (inout Configuration) -> Void = { _ in }) throws -> [Target] {
        try publish(pools: [("only", target)], adjust: adjust)
    }

    /// Publishes the service with these pools, of one target each, the first of which takes everything unless `release` says otherwise.
    @discardableResult func publish(
        pools: [(name: String, place: Place)], release: ServiceRelease = ServiceRelease(), adjust: (inout Configuration) -> Void = { _ in }
    ) throws -> [Target] {
        let places = pools.map { (pool: $0, endpoint: Endpoint.tcp(host: "127.0.0.1", port: $0.place.port ?? 0)) }
        var configuration = Configuration()
        configuration.accessLog.format = .off
        configuration.listeners = [ListenerConfiguration(name: "web", bind: [.tcp(host: "127.0.0.1", port: 0)])]
        configuration.services = [
            ServiceConfiguration(
                name: "shop",
                pools: places.map {
                    PoolConfiguration(name: $0.pool.name, targets: [TargetConfiguration(endpoint: $0.endpoint, text: "\($0.pool.place)")])
                },
                split: [PoolShare(pool: pools.first?.name ?? "", partsPerMillion: 1_000_000)])
        ]
        adjust(&configuration)
        epoch += 1
        var state = ReleaseState()
        state["shop"] = release
        let resolved = Dictionary(places.map { ($0.endpoint, Self.address($0.pool.place)) }) { first, _ in first }
        let snapshot = try Snapshot.build(
            configuration: configuration, epoch: epoch, release: state, resolved: resolved, registry: registry)
        _ = snapshots.publish(snapshot)
        for leaving in registry.lastChange.leaving { leaving.retire() }
        return registry.lastChange.leaving
    }

    /// The service as it was published last.
    var shop: Service? { snapshots.load().service(named: "shop") }

    /// Tells every loop, and returns the epochs that they acknowledged.
    func adopt() -> [Epoch] {
        ask { worker, reply in worker.adoptNewest { _, epoch in reply(epoch) } }
    }

    /// Of all loops, one loop's after the other's.
    func holders(of targets: [Target], limit: Int) -> [Holder] {
        ask { worker, reply in worker.holders(of: targets, limit: limit) { reply($0) } }.flatMap(\.self)
    }

    func reports() -> [WorkerReport] {
        ask { worker, reply in worker.report { reply($0) } }
    }

    /// Waits until no loop takes new connections from the socket.
    func stopAccepting() -> [Int] {
        ask { [id = socket.id] worker, reply in worker.stopAccepting(on: id) { reply($0) } }
    }

    /// Ends every loop; which ones said that they have.
    @discardableResult func stop() -> [Int] {
        guard !isStopped else { return [] }
        isStopped = true
        return ask { worker, reply in worker.stop { reply($0) } }
    }

    func client() throws -> RawClient { try RawClient(port.place) }

    /// Asks each loop and collects what came back before the deadline, in order of the loops.
    private func ask<Answer: Sendable>(_ question: (WorkerHandle, @escaping @Sendable (Answer) -> Void) -> Void) -> [Answer] {
        let answers = Answers<Answer>()
        for worker in workers { question(worker) { answers.add($0, from: worker.index) } }
        _ = eventually { answers.count >= workers.count }
        return answers.inOrder
    }

    private final class Answers<Answer: Sendable>: Sendable {
        private let collected = Mutex<[(index: Int, answer: Answer)]>([])
        func add(_ answer: Answer, from index: Int) { collected.withLock { $0.append((index, answer)) } }
        var count: Int { collected.withLock { $0.count } }
        var inOrder: [Answer] { collected.withLock { $0.sorted { $0.index < $1.index }.map(\.answer) } }
    }

    private static func address(_ place: Place) -> SocketAddress {
        SocketAddress(literal: "127.0.0.1", port: place.port ?? 0) ?? .unix(path: nil)
    }
}
