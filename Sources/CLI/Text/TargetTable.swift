/// Services, pools and targets of a status. Columns that would say nothing are left out.
struct TargetTable {
    private typealias Service = StatusView.Service
    private typealias Pool = StatusView.Service.Pool
    private typealias Target = StatusView.Service.Pool.Target

    private struct Column {
        var title: String
        var isNumeric = false
        /// nil: a pool without targets.
        var cell: (Service, Pool, Target?) -> String
    }

    private let services: [Service]

    init(_ services: [StatusView.Service]) { self.services = services }

    func lines(_ paint: Paint) -> [String] {
        let columns = columns
        var rows = [columns.map(\.title)]
        for service in services {
            for pool in service.pools {
                let targets: [Target?] = pool.targets.isEmpty ? [nil] : pool.targets
                for target in targets { rows.append(columns.map { Printable.text($0.cell(service, pool, target)) }) }
            }
        }
        let numeric = columns.indices.filter { columns[$0].isNumeric }
        return Table.lines(rows, numeric: Set(numeric), paint: paint, tone: StatusTable.tone)
    }

    // MARK: - Private

    private var columns: [Column] {
        let pools = services.flatMap(\.pools)
        let targets = pools.flatMap(\.targets)
        var columns = [
            Column(title: "SERVICE") { service, _, _ in service.name }, Column(title: "POOL") { _, pool, _ in pool.name },
            Column(title: "SHARE", isNumeric: true) { _, pool, _ in StatusTable.percent(pool.share) },
        ]
        if pools.contains(where: { $0.measuredShare != nil }) {
            columns.append(Column(title: "SEEN", isNumeric: true) { _, pool, _ in pool.measuredShare.map(StatusTable.percent) ?? "-" })
        }
        columns.append(Column(title: "TARGET") { _, _, target in target?.target ?? "-" })
        if targets.contains(where: { $0.health != nil || $0.failing == true }) {
            columns.append(Column(title: "HEALTH") { _, _, target in target.map(Self.health) ?? "" })
            columns.append(Column(title: "LAST CHECKS") { _, _, target in Self.checks(target?.health) })
        }
        if targets.contains(where: { $0.state != nil && $0.state != "ready" }) {
            columns.append(Column(title: "STATE") { _, _, target in target?.state ?? "" })
        }
        columns += [
            Column(title: "WEIGHT", isNumeric: true) { _, _, target in target.map { "\($0.weight)" } ?? "" },
            Column(title: "IN FLIGHT", isNumeric: true) { _, _, target in target.map { "\($0.inFlight)" } ?? "" },
            Column(title: "REQUESTS", isNumeric: true) { _, _, target in target.map { "\($0.requests)" } ?? "" },
            Column(title: "FAILURES", isNumeric: true) { _, _, target in target.map { "\($0.failures)" } ?? "" },
            Column(title: "IDLE", isNumeric: true) { _, _, target in target.map { "\($0.idleConnections)" } ?? "" },
        ]
        return columns
    }

    /// "healthy", "unhealthy: status 503", or "healthy, 1 of 3: timeout" on the way to the next state.
    private static func health(_ target: Target) -> String {
        guard let health = target.health, let state = health["state"]?.words else {
            return target.health?.string ?? (target.failing == true ? "failing" : "-")
        }
        let last = health["checks"]?.items.last
        let reason = last?["reason"]?.string ?? ""
        if let contrary = health["contrary"]?.integer, let needed = health["needed"]?.integer, contrary > 0 {
            return "\(state), \(contrary) of \(needed): \(reason)"
        }
        return last?["ok"] == .bool(false) ? "\(state): \(reason)" : state
    }

    /// "+++--" from the oldest to the newest.
    private static func checks(_ health: JSONValue?) -> String {
        (health?["checks"]?.items ?? []).map { $0["ok"] == .bool(true) ? "+" : "-" }.joined()
    }
}
