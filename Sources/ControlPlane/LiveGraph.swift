internal import Config
internal import Net
internal import Policy
internal import Routing

/// Builds snapshots and keeps what outlives them: targets, positions, counts. Confined to the control queue.
final class LiveGraph {
    private(set) var registry = TargetRegistry()
    /// Nothing but the file decides in this version.
    private let release = ReleaseState()
    private var drains: [String: DrainConfiguration] = [:]

    /// - Returns: the snapshot, and the targets that are not in it any more with how long they may be held. The caller retires them once
    ///   every loop has acknowledged the epoch.
    func build(
        _ configuration: Configuration, resolved: [Endpoint: SocketAddress], epoch: Epoch
    ) -> (snapshot: Snapshot, leaving: [(target: Target, drain: DrainConfiguration)]) {
        let snapshot = Snapshot.build(
            configuration: configuration, epoch: epoch, release: release, resolved: resolved, registry: &registry)
        let former = drains
        drains = Dictionary(configuration.services.map { ($0.name, $0.drain) }) { first, _ in first }
        let leaving = registry.lastChange.leaving.map { target in
            // A service that stays may have got new drain times in this very reload: the operator means them for what leaves now.
            (target, drains[target.identity.service] ?? former[target.identity.service] ?? DrainConfiguration())
        }
        return (snapshot, leaving)
    }

    /// Out of the configuration, still held by exchanges or tunnels.
    var draining: [Target] { registry.draining }
}
