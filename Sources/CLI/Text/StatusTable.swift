/// `sluice status` for people.
enum StatusTable {
    static func text(_ status: StatusView, paint: Paint = Paint(isOn: false)) -> String {
        var lines = [
            "sluice \(status.version)  pid \(status.pid)  up \(uptime(status.uptime))  epoch \(status.epoch)  "
                + paint(status.state, status.state == "serving" ? .good : .warning),
            "config \(status.config.file)  \(reload(status.config.lastReload))",
        ]
        if status.droppedLogLines > 0 { lines.append("access log: \(status.droppedLogLines) lines dropped") }
        lines += [""] + Table.lines(listeners(status.listeners), numeric: [2], paint: paint, tone: tone)
        lines += CertificateTable.lines(status, paint)
        lines += [""] + TargetTable(status.services).lines(paint)
        let known = status.services.flatMap { remarks($0, paint) }
        if !known.isEmpty { lines += [""] + known }
        if !status.retired.isEmpty { lines += [""] + Table.lines(retired(status.retired), numeric: [1], paint: paint, tone: tone) }
        if let holders = status.holders, !holders.isEmpty { lines += [""] + ReceiptText.holders(holders) }
        lines += [""] + Table.lines(loops(status.workers), numeric: [1, 2, 3, 4, 5, 6], paint: paint, tone: tone)
        return lines.joined(separator: "\n") + "\n"
    }

    static func tone(_ cell: String) -> Paint.Tone? {
        // A verdict may have its reason behind it.
        switch cell.prefix(while: { $0 != ":" && $0 != "," }) {
        case "healthy": .good
        case "unhealthy", "failing", "not answering": .bad
        case "draining", "maintenance", "unknown": .warning
        default: nil
        }
    }

    /// 12.5 → "12.5 %", 100 → "100 %".
    static func percent(_ share: Double) -> String {
        let text = number(share)
        return text == "-" ? text : text + " %"
    }

    /// Up to four places after the point, none that is not needed.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "-" }
        let parts = Int((value * 10_000).rounded())
        let fraction = String((parts % 10_000).magnitude)
        var text = "\(parts < 0 ? "-" : "")\(parts.magnitude / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    static func uptime(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e15 else { return "-" }
        let whole = Int(seconds)
        let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return "\(hours)h \(minutes)m" }
        return minutes > 0 ? "\(minutes)m \(whole % 60)s" : "\(whole)s"
    }

    // MARK: - Private

    private static func listeners(_ listeners: [StatusView.Listener]) -> [[String]] {
        [["LISTENER", "ADDRESS", "CONNECTIONS", "PROTOCOLS"]]
            + listeners.map { listener in
                let spoken = (listener.protocols ?? []).map(Printable.text).joined(separator: ", ")
                return [
                    listener.name, listener.address, "\(listener.connections)",
                    listener.certificates == nil ? spoken : "\(spoken) over TLS",
                ]
            }
    }

    /// What is not as the file says, and what somebody should know.
    private static func remarks(_ service: StatusView.Service, _ paint: Paint) -> [String] {
        let name = paint(Printable.text(service.name), .bold)
        var lines: [String] = []
        if let pause = service.release?.pause {
            let details = [
                service.held.map { "\($0) requests held" },
                pause.maxWaitMilliseconds.map { "each for \(ReceiptText.age(milliseconds: $0)) at most" },
            ]
            let words = ([paint("paused", .warning)] + details.compactMap { $0.map(Printable.text) }).joined(separator: ", ")
            lines.append("\(name): \(words) (`sluice resume \(service.name)`)")
        }
        let live = Dictionary(service.pools.map { ($0.name, $0.share) }) { first, _ in first }.filter { $0.value > 0 }
        if let file = service.fileSplit?.filter({ $0.value > 0 }), file != live {
            lines.append(
                "\(name): the live split is \(ReceiptText.split(live)), the file says \(ReceiptText.split(file)) "
                    + "(`sluice split \(service.name) --from-config` takes it)")
        }
        return lines + (service.notes ?? []).map { "\(name): \(Printable.text($0))" }
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
        return "last reload \(reload.time): \(reload.ok ? "ok" : "refused: " + Printable.text(reload.error ?? ""))"
    }
}
