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
    /// One order for each target of the snapshot, in file order.
    /// - Parameter configuration: what the snapshot was built from.
    static func all(of snapshot: Snapshot, _ configuration: Configuration, _ release: ReleaseState = ReleaseState()) -> [HealthOrder] {
        let checks = Dictionary(configuration.services.map { ($0.name, $0.health) }) { first, _ in first }
        var orders: [HealthOrder] = []
        for service in snapshot.services {
            let check = checks[service.name] ?? nil
            let maintained = Set(release[service.name].closed.filter { $0.state == .maintenance }.map(\.place))
            for pool in service.pools {
                let isPoolMaintained = maintained.contains(ServiceRelease.Place(pool: pool.name))
                for member in pool.members {
                    let place = ServiceRelease.Place(pool: pool.name, target: member.target.identity.text)
                    orders.append(
                        HealthOrder(
                            target: member.target, check: check, isInMaintenance: isPoolMaintained || maintained.contains(place)))
                }
            }
        }
        return orders
    }
}
