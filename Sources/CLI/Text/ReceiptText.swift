/// A receipt for the person who is on call: what is so now, since when, what is left, and how to go back.
struct ReceiptText {
    let receipt: ReceiptView
    /// What was ordered: names the service, and the way back.
    let order: Order
    /// " --socket PATH", so that the way back can be typed as it stands.
    var flags = ""
    var paint = Paint(isOn: false)

    /// The result: standard output.
    var result: String {
        var lines = [headline, proof]
        lines += inFlight
        lines += (receipt.notes ?? []).map(Printable.text)
        if let holders = receipt.holders, !holders.isEmpty { lines += [""] + Self.holders(holders) }
        if receipt.changed != false, let wayBack { lines.append("back: sluice \(wayBack)\(flags)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a script sees in the exit code, in words: standard error. nil = all is well.
    var warning: (message: String, hint: String?)? {
        switch receipt.outcome {
        case "unconfirmed":
            let silent = (receipt.acknowledgements ?? []).filter { $0.microseconds == nil }.map { "\($0.loop)" }
            let loops = silent.isEmpty ? "a loop" : (silent.count == 1 ? "loop " : "loops ") + silent.joined(separator: ", ")
            return (
                "epoch \(receipt.epoch) is live, but \(loops) did not confirm it in time", "`sluice status\(flags)` shows each loop's epoch"
            )
        case "not-drained":
            let isTold = receipt.holders?.isEmpty == false
            let hint = isTold ? nil : "`sluice status \(order.subject)\(flags)` shows where"
            return ("done, but requests are still in flight on what lost traffic", hint)
        default: return nil
        }
    }

    /// "blue 95, green 5": what has a share, largest first.
    static func split(_ split: [String: Double]) -> String {
        let shares = split.filter { $0.value > 0 }.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        guard !shares.isEmpty else { return "nothing" }
        return shares.map { "\(Printable.text($0.key)) \(StatusTable.number($0.value))" }.joined(separator: ", ")
    }

    // MARK: - Private

    private var headline: String {
        let subject = Printable.text(receipt.service ?? order.subject)
        guard receipt.changed != false else {
            return "\(paint(subject, .bold)): \(receipt.split.map { Self.split($0) + "; " } ?? "")nothing changed"
        }
        if let split = receipt.split, let previous = receipt.previousSplit, split != previous {
            return "\(paint(subject, .bold)): \(Self.split(previous)) → \(paint(Self.split(split), .good))"
        }
        let command = Printable.text(receipt.command ?? "")
        return command.isEmpty ? "\(paint(subject, .bold)): done" : "\(paint(command, .bold)): done"
    }

    /// Epoch, time, and what the loops say.
    private var proof: String {
        var words = ["epoch \(receipt.epoch)"]
        if let time = receipt.time { words[0] += " at \(Printable.text(time))" }
        if let sequence = receipt.sequence { words.append("record \(sequence)") }
        let loops = receipt.acknowledgements ?? []
        let answered = loops.compactMap(\.microseconds)
        if let slowest = answered.max() {
            let count = answered.count == loops.count ? "all \(loops.count) loops" : "\(answered.count) of \(loops.count) loops"
            words.append("\(loops.count == 1 ? "the loop" : count) confirmed, the slowest after \(Self.milliseconds(slowest))")
        }
        return words.joined(separator: ", ")
    }

    private var inFlight: [String] {
        guard let pools = receipt.inFlight, receipt.changed != false else { return [] }
        let held = pools.filter { $0.exchanges > 0 }
        guard !held.isEmpty else { return pools.isEmpty ? [] : ["in flight on what lost traffic: none"] }
        let words = held.map { "\($0.exchanges) on \(Printable.text("\($0.service)/\($0.pool)"))" }
        return ["still in flight: \(paint(words.joined(separator: ", "), .warning))"]
    }

    private var wayBack: String? {
        if let wayBack = order.wayBack {
            // A rollback goes back to another split: this one has not changed.
            let isSplit = wayBack.hasPrefix("rollback ") && receipt.split != nil
            return isSplit && receipt.split == receipt.previousSplit ? nil : wayBack
        }
        guard order.path == "/v1/undo", let sequence = receipt.sequence, sequence > 0 else { return nil }
        return "undo --to \(sequence - 1)"
    }

    static func holders(_ holders: [ReceiptView.Holder]) -> [String] {
        let rows = holders.map { holder in
            [
                [holder.service, holder.pool, holder.target].compactMap(\.self).joined(separator: "/"), holder.client ?? "-",
                holder.route ?? "-", holder.ageMilliseconds.map { age(milliseconds: $0) } ?? "-", "\(holder.bytesIn ?? 0)",
                "\(holder.bytesOut ?? 0)", (holder.requestID ?? "-") + (holder.isTunnel == true ? " (tunnel)" : ""),
            ].map(Printable.text)
        }
        return Table.lines([["HELD BY", "CLIENT", "ROUTE", "AGE", "BYTES IN", "BYTES OUT", "REQUEST"]] + rows, numeric: [3, 4, 5])
    }

    static func age(milliseconds: Int) -> String {
        milliseconds < 10_000 ? "\(StatusTable.number(Double(milliseconds) / 1000)) s" : StatusTable.uptime(Double(milliseconds) / 1000)
    }

    /// 410 → "0.41 ms"
    static func milliseconds(_ microseconds: Int) -> String { "\(StatusTable.number(Double(microseconds) / 1000)) ms" }
}
