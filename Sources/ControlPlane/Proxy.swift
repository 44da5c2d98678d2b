internal import Config
internal import DataPlane
internal import Net
internal import Policy
internal import Routing
internal import TLS
internal import Telemetry

/// The running proxy as the control queue sees it: its loops, sockets and live configuration. Confined to the control queue.
final class Proxy {
    let workers: [any WorkerFace]
    let listeners: Listeners
    let publisher: Publisher
    let graph: LiveGraph
    let accessLog: LogWriter
    let log: OperatorLog
    let health: HealthScheduler

    /// As the operator wrote it; what is live is this with `release` laid over it.
    private(set) var configuration: Configuration
    private(set) var release: ReleaseState
    /// Parts of `release` that do not fit the file.
    private(set) var notes: [(service: String, text: String)] = []
    private(set) var resolved: [Endpoint: SocketAddress]
    private(set) var snapshot: Snapshot
    /// Certificates and trust that `snapshot` was made with.
    private(set) var keys: KeyShelf { didSet { keysVersion += 1 } }
    /// Another number, other files read.
    private(set) var keysVersion = 0
    /// A secret: never to be logged.
    var ticketKeys: TicketKeys
    /// Set after an upgrade.
    var former: FormerProcess?

    init(
        workers: [any WorkerFace], listeners: Listeners, publisher: Publisher, graph: LiveGraph, accessLog: LogWriter, log: OperatorLog,
        health: HealthScheduler, configuration: Configuration, release: ReleaseState = ReleaseState(),
        notes: [(service: String, text: String)] = [], resolved: [Endpoint: SocketAddress], snapshot: Snapshot,
        keys: KeyShelf = KeyShelf(), ticketKeys: TicketKeys = TicketKeys(now: WallClock.now().milliseconds / 1000)
    ) {
        self.workers = workers
        self.listeners = listeners
        self.publisher = publisher
        self.graph = graph
        self.accessLog = accessLog
        self.log = log
        self.health = health
        self.configuration = configuration
        self.release = release
        self.notes = notes
        self.resolved = resolved
        self.snapshot = snapshot
        self.keys = keys
        self.ticketKeys = ticketKeys
    }

    var epoch: Epoch { snapshot.epoch }

    /// The one move that switches traffic: a new snapshot under the next epoch, then what left is retired. Cannot fail; tells which loops did not
    /// confirm in time.
    /// - Parameter keys: what `built` was made with; nil = what is live.
    func publish(
        _ built: LiveGraph.Built, of new: Configuration, resolved: [Endpoint: SocketAddress], keys: KeyShelf? = nil,
        listeners plan: Listeners.Plan
    ) -> Publisher.Publication {
        health.adopt(HealthOrder.all(of: built.snapshot, new))
        health.settle(built.snapshot)
        configuration = new
        release = built.release
        notes = built.notes
        self.resolved = resolved
        if let keys { self.keys = keys }
        let closing = built.closing
        for target in built.opening { target.setClosed(false) }
        let leaving = graph.commit(built)
        snapshot = built.snapshot
        var publication = publisher.publish(built.snapshot)
        if let former, !former.follow(release, epoch: epoch) { publication.silent.append(FormerProcess.loop) }
        let closed = listeners.commit(plan)
        for socket in plan.opened { workers.forEach { $0.accept(on: socket) } }
        // A loop that is stuck has cost its deadline already; nobody waits for it twice.
        let limit = publication.silent.isEmpty ? publisher.deadline : .milliseconds(100)
        close(closed, within: limit)
        guard !leaving.isEmpty || !closing.isEmpty else { return publication }
        // Only now: a loop in the middle of a choice under the former epoch must still find its target there.
        for (target, _) in leaving { target.retire() }
        for target in closing { target.setClosed(true) }
        publication.silent = Array(Set(publication.silent + publisher.confirm(epoch, within: limit))).sorted()
        for (target, drain) in leaving {
            workers.forEach { $0.endLeases(on: target, exchanges: drain.timeout, tunnels: drain.tunnels) }
        }
        return publication
    }

    /// The same configuration under another release state, or with other keys: nothing has happened yet. Reads no file.
    func build(
        _ release: ReleaseState, resolved: [Endpoint: SocketAddress], keys: KeyShelf? = nil, epoch next: Epoch? = nil
    ) throws(SnapshotError) -> LiveGraph.Built {
        try graph.build(
            configuration, release: release, resolved: resolved, material: (keys ?? self.keys).material, epoch: next ?? epoch + 1)
    }

    /// Another shelf that means the same as the live one: nothing to publish.
    func shelve(_ same: KeyShelf) {
        precondition(same.means(keys), "keys go live by a publish alone")
        keys = same
    }

    func publish(_ built: LiveGraph.Built, resolved: [Endpoint: SocketAddress]) -> Publisher.Publication {
        publish(built, of: configuration, resolved: resolved, listeners: listeners.unchanged())
    }

    /// Takes the sockets from every loop, then closes them. A loop that does not answer keeps its socket open until it does.
    func close(_ sockets: [ListeningSocket], within limit: Duration) {
        let given = ContinuousClock.now + limit
        let closing = sockets.map { socket in
            let stopped = Answers<Void>(count: workers.count, whenComplete: listeners.closing(socket))
            for (position, worker) in workers.enumerated() {
                worker.stopAccepting(on: socket.id) { _ in stopped.put((), at: position) }
            }
            return (socket, stopped)
        }
        for (socket, stopped) in closing where stopped.wait(for: max(.zero, given - .now)).contains(where: { $0 == nil }) {
            log.warn("a loop did not let go of a listener in time", ["listener": socket.listener, "address": "\(socket.address)"])
        }
    }

    /// Targets that take nothing new while something may still be in flight on them: closed, left, or in a pool that the split leaves out.
    var waitedFor: [Target] {
        graph.draining
            + snapshot.services.flatMap { service in
                zip(service.pools, service.shares).flatMap { pool, share in
                    pool.members.filter { $0.closed != nil || share == 0 }.map(\.target)
                }
            }
    }

    /// Exchanges that hold a lease on one of these targets now, oldest first; of loops that answer.
    func holders(of targets: [Target], limit: Int = 100) -> [HolderReport] {
        let answers = Answers<[Holder]>(count: workers.count)
        for (position, worker) in workers.enumerated() {
            worker.holders(of: targets, limit: limit) { answers.put($0, at: position) }
        }
        let found = answers.wait(for: .seconds(1)).compactMap { $0 }.flatMap { $0 }
        return found.sorted { $0.age > $1.age }.prefix(limit).map(HolderReport.init)
    }

    /// What every loop tells, in the order of the loops; nil for one that does not answer in time.
    func reports(within limit: Duration) -> [WorkerReport?] {
        let answers = Answers<WorkerReport>(count: workers.count)
        for (position, worker) in workers.enumerated() { worker.report { answers.put($0, at: position) } }
        return answers.wait(for: limit)
    }
}
