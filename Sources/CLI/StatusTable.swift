/// `sluice status` for people.
enum StatusTable {
    static func text(_ status: StatusView) -> String {
        var lines = [
            "sluice \(status.version)  pid \(status.pid)  up \(uptime(status.uptime))  epoch \(status.epoch)  \(status.state)",
            "config \(status.config.file)  \(reload(status.config.lastReload))",
        ]
        if status.droppedLogLines > 0 { lines.append("access log: \(status.droppedLogLines) lines dropped") }
        lines += section(listeners(status.listeners), numeric: [2])
        lines += section(targets(status.services), numeric: [2, 5, 6, 7, 8, 9])
        if !status.retired.isEmpty { lines += section(retired(status.retired), numeric: [1]) }
        lines += section(loops(status.workers), numeric: [1, 2, 3, 4, 5, 6])
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Private

    private static func section(_ rows: [[String]], numeric: Set<Int>) -> [String] { [""] + Table.lines(rows, numeric: numeric) }

    private static func listeners(_ listeners: [StatusView.Listener]) -> [[String]] {
        [["LISTENER", "ADDRESS", "CONNECTIONS"]] + listeners.map { [$0.name, $0.address, "\($0.connections)"] }
    }

    private static func targets(_ services: [StatusView.Service]) -> [[String]] {
        var rows = [["SERVICE", "POOL", "SHARE", "TARGET", "HEALTH", "WEIGHT", "IN FLIGHT", "REQUESTS", "FAILURES", "IDLE"]]
        for service in services {
            for pool in service.pools {
                if pool.targets.isEmpty { rows.append([service.name, pool.name, percent(pool.share), "-"]) }
                for target in pool.targets {
                    rows.append([
                        service.name, pool.name, percent(pool.share), target.target, health(target.health), "\(target.weight)",
                        "\(target.inFlight)",
                        "\(target.requests)", "\(target.failures)", "\(target.idleConnections)",
                    ])
                }
            }
        }
        return rows
    }

    /// "healthy", "unhealthy: status 503", "healthy, 1 of 3: timeout" (failures on the way to the next state).
    private static func health(_ health: StatusView.Health?) -> String {
        guard let health else { return "-" }
        let last = health.checks.last
        if health.contrary > 0 { return "\(health.state), \(health.contrary) of \(health.needed): \(last?.reason ?? "")" }
        guard let last, !last.ok else { return health.state }
        return "\(health.state): \(last.reason)"
    }

    private static func retired(_ retired: [StatusView.Retired]) -> [[String]] {
        [["RETIRED, STILL HELD", "IN FLIGHT"]] + retired.map { ["\($0.service)/\($0.pool)/\($0.target)", "\($0.inFlight)"] }
    }

    private static func loops(_ workers: [StatusView.Worker]) -> [[String]] {
        [["LOOP", "EPOCH", "CONNECTIONS", "TUNNELS", "IN FLIGHT", "IDLE UPSTREAM", "REQUESTS"]]
            + workers.map { worker in
                guard worker.answering else { return ["\(worker.index)", "not answering"] }
                return [
                    "\(worker.index)", "\(worker.epoch ?? 0)", "\(worker.connections ?? 0)", "\(worker.tunnels ?? 0)",
                    "\(worker.inFlight ?? 0)", "\(worker.idleUpstream ?? 0)", "\(worker.requests ?? 0)",
                ]
            }
    }

    private static func reload(_ reload: StatusView.Config.Reload?) -> String {
        guard let reload else { return "not reloaded since start" }
        return "last reload \(reload.time): \(reload.ok ? "ok" : "refused: " + (reload.error ?? ""))"
    }

    /// 12.5 → "12.5 %", 100 → "100 %".
    static func percent(_ share: Double) -> String {
        guard share.isFinite, abs(share) < 1e9 else { return "-" }
        let millionths = Int((share * 10_000).rounded())
        let fraction = String(millionths % 10_000)
        var text = "\(millionths / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text + " %"
    }

    static func uptime(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "-" }
        let whole = Int(seconds)
        let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        return minutes > 0 ? "\(minutes)m \(whole % 60)s" : "\(whole)s"
    }
}
