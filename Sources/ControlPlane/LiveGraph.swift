internal import Config
internal import Net
internal import Policy
internal import Routing

/// Builds snapshots and keeps what outlives them: targets, positions, counts. Confined to the control queue.
final class LiveGraph {
    /// A snapshot that is live or about to be; whoever has one publishes it.
    struct Built {
        var snapshot: Snapshot
        /// Targets that are not in it any more, with how long they may be held. To be retired once every loop has acknowledged the epoch.
        var leaving: [(target: Target, drain: DrainConfiguration)]
    }

    private let registry = TargetRegistry()
    /// Nothing but the file decides in this version.
    private let release = ReleaseState()
    private var drains: [String: DrainConfiguration] = [:]

    /// Changes nothing when it throws; what it returns must be published.
    func build(_ configuration: Configuration, resolved: [Endpoint: SocketAddress], epoch: Epoch) throws(SnapshotError) -> Built {
        let snapshot = try Snapshot.build(
            configuration: configuration, epoch: epoch, release: release, resolved: resolved, registry: registry)
        let former = drains
        drains = Dictionary(configuration.services.map { ($0.name, $0.drain) }) { first, _ in first }
        let leaving = registry.lastChange.leaving.map { target in
            // A service that stays may have got new drain times in this very reload: the operator means them for what leaves now.
            (target, drains[target.identity.service] ?? former[target.identity.service] ?? DrainConfiguration())
        }
        return Built(snapshot: snapshot, leaving: leaving)
    }

    /// Out of the configuration, still held by exchanges or tunnels.
    var draining: [Target] { registry.draining }
}
