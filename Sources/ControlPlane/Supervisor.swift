internal import Config
internal import DataPlane
internal import Dispatch
internal import Glibc
internal import Net
internal import Policy
internal import Routing
internal import Synchronization
internal import TLS
internal import Telemetry

/// The order in which a proxy comes to life and goes. One per process, called from the main thread.
package struct Supervisor {
    /// Why a proxy did not start: what to print, and the exit code of DESIGN §5.2.
    package struct Failure: Error, Sendable {
        package var lines: [String]
        package var exitCode: Int32
    }

    /// What is up, for whoever announces it.
    package struct Ready: Sendable {
        /// Name and real address of each listening socket.
        package var listeners: [(name: String, address: String)]
        package var adminSocket: String
        package var epoch: UInt64
    }

    let configPath: String
    let environment: [String: String]
    let relaunch: Relaunch?
    let pidFile: PIDFile?
    let log: OperatorLog

    /// - Parameter relaunch: how an upgrade starts this process again; nil = there is no upgrade.
    package init(
        configPath: String, environment: [String: String], relaunch: Relaunch? = nil, pidFile: String? = nil,
        log: OperatorLog = OperatorLog()
    ) {
        self.configPath = configPath
        self.environment = environment
        self.relaunch = relaunch
        self.pidFile = pidFile.map(PIDFile.init)
        self.log = log
    }

    /// Starts, announces, serves until told to stop. Returns when everything has been taken down again.
    /// `Signals.blockAll()` must have run before the process had a second thread.
    package func run(announce: (Ready) -> Void) throws(Failure) {
        TLSLibrary.start()
        let former = try Succession.begin(environment: environment)
        do throws(Failure) {
            try run(after: former, announce)
        } catch {
            former?.refuse(error)
            throw error
        }
    }

    // MARK: - Private

    /// - Parameter former: the process that this one takes over from, if any.
    private func run(after former: Succession?, _ announce: (Ready) -> Void) throws(Failure) {
        let (environment, path) = (environment, configPath)
        let load: @Sendable () -> LoadedConfiguration = { LoadedConfiguration.load(path: path, environment: environment) }
        let configuration = try checked(load())
        let keys = try readKeys(configuration)
        let stateDirectory = try lock(configuration.stateDirectory, former)
        Machine.raiseFileLimit()
        var inherited = InheritedSockets(environment: environment)
        inherited.add(former?.listeners ?? [])
        let listeners = Listeners(inherited: inherited)
        InheritedSockets.forgetEnvironment()

        let resolver = Resolver()
        let (journal, release) = try openJournal(configuration.stateDirectory)
        let resolved = try resolve(configuration, release, resolver)
        let plan = try open(configuration, resolved, listeners)
        let ended = DispatchSemaphore(value: 0)
        let parts: Parts
        do throws(Failure) {
            let epoch = max(journal.newestEpoch, former?.state.epoch ?? 0) + 1
            let proxy = try makeProxy(configuration, keys, release, epoch: epoch, resolved, listeners, former?.state)
            parts = try control(proxy, journal, resolver, load, former) { ended.signal() }
            _ = listeners.commit(plan)
            // Nobody is let in before the targets are known.
            proxy.health.waitForFirstResults()
        } catch {
            listeners.abandon(plan)
            throw error
        }
        for socket in plan.opened { parts.proxy.workers.forEach { $0.accept(on: socket) } }
        if let former { try takeOver(parts.proxy, from: former) }
        // From here on nothing fails.
        own(parts, stateDirectory, former)
        announce(begin(parts, plan, ended))
        ended.wait()
        parts.proxy.health.stop()
        parts.admin.stop()
        pidFile?.remove()
        withExtendedLifetime(stateDirectory) {}
    }

    struct Parts {
        var proxy: Proxy
        var controller: Controller
        var state: ServingState
        var notifier: ServiceNotifier
        var admin: AdminServer
        var events: EventLog
        var isSuccessor: Bool
    }

    private func makeProxy(
        _ configuration: Configuration, _ keys: KeyShelf, _ release: ReleaseState, epoch: Epoch,
        _ resolved: [Endpoint: SocketAddress], _ listeners: Listeners, _ former: HandoverState?
    ) throws(Failure) -> Proxy {
        let accessLog = try openLog(configuration.accessLog)
        let graph = LiveGraph()
        let built = try build(configuration, keys, release, epoch: epoch, resolved, graph)
        let first = built.snapshot
        let health = try makeHealth()
        health.adopt(HealthOrder.all(of: first, configuration), remembered: former?.health ?? HealthMemory())
        let cell = SnapshotCell(first)
        let workers = try makeWorkers(configuration.workers, cell, accessLog)
        let proxy = Proxy(
            workers: workers, listeners: listeners, publisher: DebugEnvironment(environment).publisher(cell, workers), graph: graph,
            accessLog: accessLog, log: log, health: health, configuration: configuration, release: release, notes: built.notes,
            resolved: resolved, snapshot: first, keys: keys)
        // Clients of the former process take their sessions up here.
        proxy.adopt(former?.ticketKeys.flatMap { TicketKeys(exported: $0) } ?? proxy.ticketKeys)
        return proxy
    }

    private func control(
        _ proxy: Proxy, _ journal: Journal, _ resolver: Resolver, _ load: @escaping @Sendable () -> LoadedConfiguration,
        _ former: Succession?, ended: @escaping @Sendable () -> Void
    ) throws(Failure) -> Parts {
        let state = ServingState()
        let notifier = ServiceNotifier(environment: environment)
        let events = EventLog()
        proxy.health.onChange { events.post(.health, service: $0.identity.service, data: HealthEvent($0)) }
        let token = try loadToken(proxy.configuration.admin)
        let controller = Controller(
            proxy: proxy, journal: journal, resolver: resolver, state: state, notifier: notifier, events: events,
            token: token, configPath: configPath,
            load: load, ended: ended)
        let resources = Resources(
            controller: controller, state: state, events: events, releases: controller, upgrades: controller,
            isDebugging: DebugEnvironment(environment).isOn)
        let admin = try openAdmin(proxy.configuration.admin, resources, events, token, former)
        return Parts(
            proxy: proxy, controller: controller, state: state, notifier: notifier, admin: admin, events: events, isSuccessor: former != nil
        )
    }

    private func begin(_ parts: Parts, _ plan: Listeners.Plan, _ ended: DispatchSemaphore) -> Ready {
        let (proxy, controller) = (parts.proxy, parts.controller)
        for address in proxy.listeners.closeUnclaimed() { log.warn("passed socket not used by any listener", ["address": address]) }
        let stops = Mutex(0)
        _ = Signals.listen { command in
            controller.perform(command)
            guard command == .quickStop,
                stops.withLock({
                    $0 += 1; return $0 > 1
                })
            else { return }
            // "At once", even when the control queue waits for a loop that is stuck.
            DispatchQueue.global().asyncAfter(deadline: .now() + 1) { ended.signal() }
        }
        parts.state.enter(.serving)
        let status = "serving, epoch \(proxy.epoch)"
        if parts.isSuccessor { parts.notifier.readyAsMain(status: status) } else { parts.notifier.ready(status: status) }
        let ready = Ready(
            listeners: plan.opened.map { ($0.listener, $0.address.description) }, adminSocket: parts.admin.path, epoch: proxy.epoch)
        let addresses = ready.listeners.map { "\($0.name)=\($0.address)" }.joined(separator: ",")
        log.info(
            "ready",
            ["version": Version.text, "epoch": "\(proxy.epoch)", "workers": "\(proxy.workers.count)", "listeners": addresses])
        if let address = parts.admin.address { log.info("admin API listens", ["address": "\(address)"]) }
        return ready
    }

    private func checked(_ loaded: LoadedConfiguration) throws(Failure) -> Configuration {
        switch loaded {
        case .invalid(let diagnostics): throw Failure(lines: diagnostics.map(\.text), exitCode: 3)
        case .valid(let configuration, let warnings):
            for warning in warnings { log.warn(warning.text) }
            return configuration
        }
    }

    /// What was switched stays switched: the journal says what.
    private func openJournal(_ directory: String) throws(Failure) -> (Journal, ReleaseState) {
        do throws(JournalError) {
            let (journal, release, recovery) = try Journal.open(directory: directory)
            if let damage = recovery.damage {
                log.error(
                    "the journal's tail was damaged; the state is that of the records before",
                    ["detail": damage, "saved": recovery.movedTo ?? "-"])
            }
            if let trouble = recovery.trouble { log.error("the journal takes no records for now", ["reason": trouble]) }
            return (journal, release)
        } catch {
            throw Failure(lines: [error.message], exitCode: 1)
        }
    }

    private func resolve(_ configuration: Configuration, _ release: ReleaseState, _ resolver: Resolver) throws(Failure) -> [Endpoint:
        SocketAddress]
    {
        let (found, failures) = resolver.resolve(configuration.endpoints(under: release), previous: [:], keepsLastGood: false)
        guard failures.isEmpty else {
            throw Failure(lines: failures.map { "\($0.endpoint.text) cannot be resolved: \($0.reason)" }, exitCode: 1)
        }
        return found
    }

    private func open(
        _ configuration: Configuration, _ resolved: [Endpoint: SocketAddress], _ listeners: Listeners
    ) throws(Failure) -> Listeners.Plan {
        do throws(Listeners.Refusal) {
            return try listeners.plan(configuration, resolved: resolved)
        } catch {
            let hint = error.hint.map { "; \($0)" } ?? ""
            throw Failure(lines: ["listener \(error.listener): \(error.error)\(hint)"], exitCode: 1)
        }
    }

    private func build(
        _ configuration: Configuration, _ keys: KeyShelf, _ release: ReleaseState, epoch: Epoch,
        _ resolved: [Endpoint: SocketAddress], _ graph: LiveGraph
    ) throws(Failure) -> LiveGraph.Built {
        do throws(SnapshotError) {
            let built = try graph.build(configuration, release: release, resolved: resolved, material: keys.material, epoch: epoch)
            _ = graph.commit(built)
            for target in built.closing { target.setClosed(true) }
            for note in built.notes { log.warn("release state does not fit the file", ["service": note.service, "detail": note.text]) }
            return built
        } catch {
            throw Failure(lines: ["\(error)"], exitCode: 3)
        }
    }

    private func openLog(_ configuration: AccessLogConfiguration) throws(Failure) -> LogWriter {
        let log = log
        let writer = LogWriter { log.warn($0) }
        guard configuration.format != .off else { return writer }
        do throws(LogError) {
            try writer.open(path: configuration.path)
        } catch {
            throw Failure(lines: ["access_log: \(error.message)"], exitCode: 1)
        }
        return writer
    }

    private func makeWorkers(_ count: WorkerCount, _ cell: SnapshotCell, _ log: LogWriter) throws(Failure) -> [WorkerHandle] {
        let count =
            switch count {
            case .auto: Machine.cores()
            case .exactly(let number): max(1, number)
            }
        do throws(IOError) {
            let workers = try WorkerHandle.fleet(of: count, snapshots: cell, log: log, notices: self.log.notices)
            // They idle until they are given a socket; a machine without threads must refuse before anything is promised.
            for worker in workers { try worker.start() }
            return workers
        } catch {
            throw Failure(lines: ["event loop: \(error)"], exitCode: 1)
        }
    }

    private func makeHealth() throws(Failure) -> HealthScheduler {
        do throws(IOError) {
            return try HealthScheduler(log: log)
        } catch {
            throw Failure(lines: ["health checks: \(error)"], exitCode: 1)
        }
    }
}
