internal import Config
internal import Policy
internal import Routing

/// What the live graph wants to know of one target.
struct HealthOrder {
    var target: Target
    /// nil = not checked: it counts as healthy.
    var check: HealthConfiguration?
    /// Checks go on, nobody is told.
    var isInMaintenance = false
}

extension HealthOrder {
    /// One order for each member of the snapshot's pools, in file order.
    /// - Parameter configuration: what the snapshot was built from.
    static func all(of snapshot: Snapshot, _ configuration: Configuration) -> [HealthOrder] {
        let checks = Dictionary(configuration.services.map { ($0.name, $0.health) }) { first, _ in first }
        return snapshot.services.flatMap { service in
            let check = checks[service.name] ?? nil
            return service.pools.flatMap(\.members).map {
                HealthOrder(target: $0.target, check: check, isInMaintenance: $0.closed == .maintenance)
            }
        }
    }
}
