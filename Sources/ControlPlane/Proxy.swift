internal import Config
internal import DataPlane
internal import Net
internal import Routing
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

    private(set) var configuration: Configuration
    private(set) var resolved: [Endpoint: SocketAddress]
    private(set) var snapshot: Snapshot

    init(
        workers: [any WorkerFace], listeners: Listeners, publisher: Publisher, graph: LiveGraph, accessLog: LogWriter, log: OperatorLog,
        health: HealthScheduler, configuration: Configuration, resolved: [Endpoint: SocketAddress], snapshot: Snapshot
    ) {
        self.workers = workers
        self.listeners = listeners
        self.publisher = publisher
        self.graph = graph
        self.accessLog = accessLog
        self.log = log
        self.health = health
        self.configuration = configuration
        self.resolved = resolved
        self.snapshot = snapshot
    }

    var epoch: Epoch { snapshot.epoch }

    /// The one move that switches traffic: a new snapshot under the next epoch, then what left is retired. Cannot fail; returns the loops
    /// that did not confirm in time.
    func publish(
        _ built: LiveGraph.Built, of new: Configuration, resolved: [Endpoint: SocketAddress], listeners plan: Listeners.Plan
    ) -> [Int] {
        health.adopt(HealthOrder.all(of: built.snapshot, new))
        health.settle(built.snapshot)
        configuration = new
        self.resolved = resolved
        snapshot = built.snapshot
        var silent = publisher.publish(built.snapshot).silent
        let leaving = listeners.commit(plan)
        for socket in plan.opened { workers.forEach { $0.accept(on: socket) } }
        // A loop that is stuck has cost its deadline already; nobody waits for it twice.
        let limit = silent.isEmpty ? publisher.deadline : .milliseconds(100)
        close(leaving, within: limit)
        if !built.leaving.isEmpty {
            // Only now: a loop in the middle of a choice under the former epoch must still find its target there.
            for (target, _) in built.leaving { target.retire() }
            silent = Array(Set(silent + publisher.confirm(epoch, within: limit))).sorted()
            for (target, drain) in built.leaving {
                workers.forEach { $0.endLeases(on: target, exchanges: drain.timeout, tunnels: drain.tunnels) }
            }
        }
        return silent
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

    /// What every loop tells, in the order of the loops; nil for one that does not answer in time.
    func reports(within limit: Duration) -> [WorkerReport?] {
        let answers = Answers<WorkerReport>(count: workers.count)
        for (position, worker) in workers.enumerated() { worker.report { answers.put($0, at: position) } }
        return answers.wait(for: limit)
    }
}
