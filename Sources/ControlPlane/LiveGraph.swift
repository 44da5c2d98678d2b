internal import Config
internal import Net
internal import Policy
internal import Routing

/// Builds snapshots and keeps what outlives them: targets, positions, counts. Confined to the control queue.
final class LiveGraph {
    /// A snapshot that may become live: nothing has happened yet.
    struct Built {
        var snapshot: Snapshot { prepared.snapshot }
        fileprivate let prepared: Snapshot.Prepared
        fileprivate let drains: [String: DrainConfiguration]
        let release: ReleaseState
        /// Parts of the release state that do not fit the file, by service.
        let notes: [(service: String, text: String)]

        /// Targets that a command closed, and that still take exchanges.
        var closing: [Target] { members.filter { $0.closed != nil && !$0.target.isClosed }.map(\.target) }
        /// Targets that are ready again.
        var opening: [Target] { members.filter { $0.closed == nil && $0.target.isClosed }.map(\.target) }

        private var members: [PoolMember] { snapshot.services.flatMap { $0.pools.flatMap(\.members) } }
    }

    typealias Leaving = [(target: Target, drain: DrainConfiguration)]

    private let registry = TargetRegistry()
    private var drains: [String: DrainConfiguration] = [:]

    /// Changes nothing; what it returns is to be committed, or dropped, before the next call.
    /// - Parameter file: as the operator wrote it; the release state is laid over it here.
    func build(
        _ file: Configuration, release: ReleaseState = ReleaseState(), resolved: [Endpoint: SocketAddress],
        material: KeyMaterial = KeyMaterial(), epoch: Epoch
    ) throws(SnapshotError) -> Built {
        let effective = EffectiveConfiguration(file, release: release)
        let prepared = try Snapshot.prepare(
            configuration: effective.configuration, epoch: epoch, release: release, resolved: resolved, material: material,
            registry: registry)
        return Built(
            prepared: prepared, drains: Dictionary(file.services.map { ($0.name, $0.drain) }) { first, _ in first }, release: release,
            notes: effective.notes)
    }

    /// Whoever commits publishes. Returns the targets that are not in the snapshot any more, with how long they may be held: to be retired once
    /// every loop has acknowledged the epoch.
    func commit(_ built: Built) -> Leaving {
        built.prepared.commit()
        let former = drains
        drains = built.drains
        return registry.lastChange.leaving.map { target in
            // A service that stays may have got new drain times in this very reload: the operator means them for what leaves now.
            (target, drains[target.identity.service] ?? former[target.identity.service] ?? DrainConfiguration())
        }
    }

    /// Out of the configuration, still held by exchanges or tunnels.
    var draining: [Target] { registry.draining }
}
