internal import Config
internal import DataPlane
internal import Glibc
internal import Net
internal import Policy
internal import Routing
internal import Telemetry

extension StatusReport {
    /// Confined to the control queue, like the proxy it looks at.
    init(_ proxy: Proxy, reports: [WorkerReport?], state: ServingState.Phase, uptime: Duration, config: ConfigStatus) {
        let answered = reports.compactMap { $0 }
        version = Version.text
        pid = getpid()
        self.uptime = Double(uptime.components.seconds) + (Double(uptime.components.attoseconds / 1_000_000_000_000_000) / 1000)
        epoch = proxy.epoch
        self.state = state
        self.config = config
        workers = zip(proxy.workers, reports).map { WorkerStatus(index: $0.index, report: $1) }
        listeners = proxy.listeners.open.map {
            ListenerStatus(name: $0.listener, bind: $0.text, address: $0.address.description, connections: $0.connections.current)
        }
        services = proxy.snapshot.services.map { service in
            ServiceStatus(
                service, proxy.configuration.services.first { $0.name == service.name }, proxy.release[service.name],
                notes: proxy.notes.filter { $0.service == service.name }.map(\.text), answered, proxy.health)
        }
        retired = proxy.graph.draining.map {
            RetiredStatus(service: $0.identity.service, pool: $0.identity.pool, target: $0.identity.text, inFlight: $0.inFlight)
        }
        droppedLogLines = proxy.accessLog.droppedLines
    }
}

extension WorkerStatus {
    init(index: Int, report: WorkerReport?) {
        self.index = index
        answering = report != nil
        guard let report else { return }
        epoch = report.epoch
        connections = report.downstreamConnections
        http2 = HTTP2Status(connections: report.http2Connections, streams: report.http2Streams)
        tunnels = report.tunnels
        inFlight = report.exchangesInFlight
        idleUpstream = report.idleUpstreamConnections
        accepted = report.acceptedConnections
        tls = HandshakeStatus(completed: report.handshakes, resumed: report.resumedHandshakes, failed: report.failedHandshakes)
        refusedByRate = report.refusedByRate
        refusedProxyHeaders = report.refusedProxyHeaders
        requests = report.requests
        responses = Dictionary(zip(["1xx", "2xx", "3xx", "4xx", "5xx"], report.responses.dropFirst())) { first, _ in first }
    }
}

extension ServiceStatus {
    /// - Parameters:
    ///   - configuration: the service as the file has it.
    ///   - notes: what of `release` does not fit the file.
    init(
        _ service: Service, _ configuration: ServiceConfiguration?, _ release: ServiceRelease, notes: [String], _ reports: [WorkerReport],
        _ health: HealthScheduler
    ) {
        name = service.name
        balance = configuration?.balance == .leastConnections ? "least-connections" : "round-robin"
        inFlight = service.pools.reduce(0) { $0 + $1.inFlight }
        queued = service.state.queuedCount
        held = service.state.heldCount
        let shares = zip(service.pools, service.shares)
        split = Self.percent(shares.map { ($0.name, $1) })
        fileSplit = Self.percent((configuration?.split ?? []).map { ($0.pool, $0.partsPerMillion) })
        self.release = release.isEmpty ? nil : ReleaseReport(release)
        self.notes = notes
        pools = shares.map { pool, share in
            PoolStatus(
                name: pool.name, share: Double(share) / 10_000, inFlight: pool.inFlight, latencyMs: LatencyStatus(pool, reports),
                targets: pool.members.map { TargetStatus($0, release, reports, health) })
        }
    }

    private static func percent(_ shares: [(pool: String, partsPerMillion: UInt32)]) -> [String: Double] {
        let taken = shares.filter { $0.partsPerMillion > 0 }
        return Dictionary(taken.map { ($0.pool, Double($0.partsPerMillion) / 10_000) }) { first, _ in first }
    }
}

extension LatencyStatus {
    /// nil when no loop has recorded anything.
    init?(_ pool: Pool, _ reports: [WorkerReport]) {
        var all = LatencyHistogram()
        for report in reports where report.pools.indices.contains(pool.ordinal) {
            if let histogram = report.pools[pool.ordinal] { all.merge(histogram) }
        }
        func milliseconds(_ microseconds: UInt64?) -> Double { Double(microseconds ?? 0) / 1000 }
        guard all.count > 0 else { return nil }
        count = all.count
        p50 = milliseconds(all.quantile(0.5))
        p90 = milliseconds(all.quantile(0.9))
        p99 = milliseconds(all.quantile(0.99))
        max = milliseconds(all.maximum)
    }
}

extension TargetStatus {
    init(_ member: PoolMember, _ release: ServiceRelease, _ reports: [WorkerReport], _ checks: HealthScheduler) {
        let identity = member.target.identity
        target = identity.text
        address = identity.address.description
        weight = member.weight
        state = release.closed(pool: identity.pool, target: identity.text)?.rawValue ?? "ready"
        failing = member.target.isFailing
        inFlight = member.target.inFlight
        // A loop that has not met the target yet has no row for it.
        let rows = reports.compactMap { report -> TargetReport? in
            report.targets.indices.contains(member.target.ordinal) ? report.targets[member.target.ordinal] : nil
        }
        requests = rows.reduce(0) { $0 &+ $1.requests }
        failures = rows.reduce(0) { $0 &+ $1.failures }
        idleConnections = rows.reduce(0) { $0 &+ $1.idleConnections }
        health = checks.report(of: member.target).map(HealthStatus.init)
    }
}
