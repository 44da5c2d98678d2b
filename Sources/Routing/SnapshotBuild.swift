package import Config
package import Net
package import Policy
internal import TLS

/// Why a configuration cannot become a snapshot. The validator refuses all but `unresolved` before it gets here.
package enum SnapshotError: Error, Equatable, CustomStringConvertible {
    /// The control plane's resolver gave no address for it.
    case unresolved(Endpoint, service: String, pool: String)
    case unknownService(String, route: String)
    case unknownPool(String, service: String)
    /// `strip_prefix` is not a prefix, in whole segments, of the route's path: it could not be taken off every request of the route.
    case stripPrefixOutsidePath(String, route: String)
    case statusOutOfRange(Int, route: String)
    /// Certificates of a listener, or trust and keys of a pool, were not read.
    case noKeyMaterial(String)

    package var description: String {
        switch self {
        case .unresolved(.tcp(let host, let port), let service, let pool): "\(service)/\(pool): no address is known for \(host):\(port)"
        case .unresolved(.unix(let path), let service, let pool): "\(service)/\(pool): no address is known for unix:\(path)"
        case .unknownService(let name, let route): "\(route): there is no service \(name)"
        case .unknownPool(let name, let service): "\(service): there is no pool \(name)"
        case .stripPrefixOutsidePath(let prefix, let route): "\(route): strip_prefix \(prefix) is not a prefix of the route's path"
        case .statusOutOfRange(let status, let route): "\(route): \(status) is no status code"
        case .noKeyMaterial(let name): "\(name): its certificates were not read"
        }
    }
}

extension Snapshot {
    /// Configuration × release state → everything that the data plane needs. Off the loops; called on the control queue.
    /// - Parameters:
    ///   - resolved: an address for the endpoint of every target, literals and Unix sockets included.
    ///   - registry: gives known targets and positions back and learns the new ones; `registry.lastChange` then says what came and what leaves.
    ///     Unchanged when this throws.
    package static func build(
        configuration: Configuration, epoch: Epoch, release: ReleaseState = ReleaseState(), resolved: [Endpoint: SocketAddress],
        material: KeyMaterial = KeyMaterial(), registry: TargetRegistry
    ) throws(SnapshotError) -> Snapshot {
        let effective = EffectiveConfiguration(configuration, release: release)
        let prepared = try prepare(
            configuration: effective.configuration, epoch: epoch, release: release, resolved: resolved, material: material,
            registry: registry)
        prepared.commit()
        return prepared.snapshot
    }

    /// A snapshot that is not live yet, with what it will do to the registry: for whoever has more to check before it may be published.
    package struct Prepared {
        package let snapshot: Snapshot
        private let rebuild: TargetRegistry.Rebuild

        fileprivate init(_ snapshot: Snapshot, _ rebuild: TargetRegistry.Rebuild) {
            self.snapshot = snapshot
            self.rebuild = rebuild
        }

        /// Just before the publish; another one prepared from the same registry in the meantime must not be committed.
        package func commit() { rebuild.commit() }
    }

    /// As `build`, but the registry is as it was until `commit`.
    /// - Parameter configuration: with the release state's splits and targets laid over (`EffectiveConfiguration`).
    /// - Parameter release: read for what is closed and paused.
    package static func prepare(
        configuration: Configuration, epoch: Epoch, release: ReleaseState, resolved: [Endpoint: SocketAddress],
        material: KeyMaterial = KeyMaterial(), registry: TargetRegistry
    ) throws(SnapshotError) -> Prepared {
        var rebuild = registry.beginRebuild()
        var parts = SnapshotParts(epoch: epoch)
        parts.timeouts = Timeouts(configuration.timeouts)
        parts.limits = Limits(configuration.limits)
        parts.accessLog = AccessLogChoice(configuration.accessLog.format)
        parts.http2 = HTTP2Bounds(configuration.http2, limits: configuration.limits)
        for listener in configuration.listeners {
            let certificates = material.listeners[listener.name]
            if listener.tls != nil, certificates == nil { throw .noKeyMaterial(listener.name) }
            parts.listeners.append(ListenerPolicy(listener, certificates: certificates))
        }
        parts.trusted = TrustedNetworks(configuration.trustedProxies)
        for service in configuration.services {
            parts.services.append(
                try Service.build(
                    service, live: release[service.name], resolved: resolved, material: material, rebuild: &rebuild))
        }
        try parts.addRoutes(configuration.routes, implied: configuration.defaultService?.name)
        return Prepared(Snapshot(parts), rebuild)
    }
}

/// A snapshot before it is sealed.
struct SnapshotParts {
    var epoch: Epoch
    var routes: [Route] = []
    /// One for each of `routes`.
    var conditions: [RouteConditions] = []
    var services: [Service] = []
    var timeouts = Timeouts(TimeoutConfiguration())
    var limits = Limits(LimitConfiguration())
    var accessLog = AccessLogChoice.off
    var listeners: [ListenerPolicy] = []
    var http2 = HTTP2Bounds(HTTP2Configuration(), limits: LimitConfiguration())
    var trusted = TrustedNetworks([])

    init(epoch: Epoch) { self.epoch = epoch }

    /// - Parameter implied: the service that takes what no route matches.
    mutating func addRoutes(_ file: [RouteConfiguration], implied: String?) throws(SnapshotError) {
        var byName: [String: Service] = [:]
        for service in services { byName[service.name] = service }
        for route in file {
            routes.append(try Route.build(route, services: byName))
            conditions.append(RouteConditions(route.match))
        }
        guard let implied, let service = byName[implied] else { return }
        // Every host, every path, no condition, and last in order: the least particular route there can be.
        routes.append(Route(name: "default", action: .service(service)))
        conditions.append(RouteConditions())
    }
}

extension RouteConditions {
    init(_ file: RouteMatchConfiguration) {
        self.init(
            hosts: file.hosts, path: file.path, methods: file.methods,
            headers: file.headers.map { HeaderCondition(name: $0.name, value: $0.value) })
    }
}

extension Service {
    fileprivate static func build(
        _ file: ServiceConfiguration, live: ServiceRelease, resolved: [Endpoint: SocketAddress], material: KeyMaterial,
        rebuild: inout TargetRegistry.Rebuild
    ) throws(SnapshotError) -> Service {
        let balance: Balancer =
            switch file.balance {
            case .roundRobin: .roundRobin
            case .leastConnections: .leastConnections
            }
        var pools: [Pool] = []
        for pool in file.pools {
            var members: [PoolMember] = []
            let name = KeyMaterial.PoolName(service: file.name, pool: pool.name)
            if pool.tls != nil, material.pools[name] == nil { throw .noKeyMaterial("\(file.name)/\(pool.name)") }
            for target in pool.targets {
                let (wire, digest) = TargetWire.build(pool, target, material.pools[name])
                guard let address = resolved[target.endpoint] else {
                    throw .unresolved(target.endpoint, service: file.name, pool: pool.name)
                }
                let identity = TargetIdentity(service: file.name, pool: pool.name, text: target.text, address: address, wire: digest)
                members.append(
                    PoolMember(
                        target: rebuild.target(identity, wire: wire), weight: target.weight,
                        closed: live.closed(pool: pool.name, target: target.text)))
            }
            // Only round-robin has turns to work out; the cursor is kept for both.
            let weights = balance == .roundRobin ? members.filter { $0.closed == nil }.map { max(1, $0.weight) } : []
            let turns = rebuild.turns(service: file.name, pool: pool.name, weights: weights)
            pools.append(Pool(name: pool.name, members: members, cursor: turns.cursor, balance: balance, sequence: turns.sequence))
        }
        let shares = try shares(file)
        let named = zip(file.pools, shares).map { PoolShare(pool: $0.name, partsPerMillion: $1) }
        return Service(
            name: file.name, pools: pools, shares: shares, splitPosition: rebuild.splitPosition(service: file.name, shares: named),
            state: rebuild.state(of: file.name), retryAttempts: file.retryAttempts, timeouts: file.timeouts, limits: file.limits,
            drain: file.drain, rules: file.rules,
            sticky: file.sticky, pause: live.pause.map(PauseGate.init))
    }

    /// Parts per million for each pool.
    private static func shares(_ file: ServiceConfiguration) throws(SnapshotError) -> [UInt32] {
        if let shares = spread(file.split.map { ($0.pool, $0.partsPerMillion) }, over: file.pools) { return shares }
        let names = Set(file.pools.map(\.name))
        throw .unknownPool(file.split.first { !names.contains($0.pool) }?.pool ?? "", service: file.name)
    }

    private static func spread(_ shares: [(pool: String, partsPerMillion: UInt32)], over pools: [PoolConfiguration]) -> [UInt32]? {
        var spread = [UInt32](repeating: 0, count: pools.count)
        for share in shares {
            guard let index = pools.firstIndex(where: { $0.name == share.pool }) else { return nil }
            spread[index] = share.partsPerMillion
        }
        return spread
    }
}

extension TargetWire {
    /// And what tells it from another: empty for the plain one.
    fileprivate static func build(
        _ pool: PoolConfiguration, _ target: TargetConfiguration, _ material: KeyMaterial.ClientMaterial?
    ) -> (wire: TargetWire, digest: String) {
        var wire = TargetWire()
        var parts: [String] = []
        if pool.upstreamProtocol != .http1 {
            wire.isHTTP2 = true
            parts.append("h2")
        }
        switch pool.sendsProxyProtocol {
        case .v1: (wire.proxyHeader, parts) = (.v1, parts + ["proxy-v1"])
        case .v2: (wire.proxyHeader, parts) = (.v2, parts + ["proxy-v2"])
        case nil: break
        }
        if let tls = pool.tls, let material {
            wire.tls = material.context
            wire.peer = PeerName(tls.serverName ?? target.endpoint.host)
            parts.append("tls:\(material.digest):\(tls.serverName ?? "")")
        }
        return (wire, parts.joined(separator: " "))
    }
}

extension Endpoint {
    fileprivate var host: String {
        switch self {
        case .tcp(let host, _): host
        case .unix: "localhost"
        }
    }
}

extension PeerName {
    fileprivate init(_ text: String) {
        let isLiteral = text.utf8.withContiguousStorageIfAvailable { SocketAddress(literal: UnsafeRawBufferPointer($0)) != nil } ?? false
        self = isLiteral ? .address(text) : .host(text)
    }
}
