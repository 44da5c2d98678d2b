/// `sluice history` for people.
enum HistoryTable {
    /// The newest last, next to the prompt.
    static func text(_ answer: JSONValue, paint: Paint) -> String? {
        guard case .array(let items)? = answer["records"] else { return nil }
        let records = items.sorted { ($0["sequence"]?.integer ?? 0) < ($1["sequence"]?.integer ?? 0) }
        guard !records.isEmpty else { return "no command has changed anything yet\n" }
        let rows = records.map { record in
            [
                record["sequence"]?.words ?? "-", record["time"]?.words ?? "-", record["actor"]?.words ?? "-",
                record["command"]?.words ?? "-", outcome(record), record["reason"]?.string ?? "",
            ].map(Printable.text)
        }
        let lines = Table.lines(
            [["SEQ", "TIME", "ACTOR", "COMMAND", "OUTCOME", "REASON"]] + rows, numeric: [0], paint: paint,
            tone: { $0.hasPrefix("unconfirmed") ? .warning : nil })
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Private

    private static func outcome(_ record: JSONValue) -> String {
        let undoes = record["undoes"]?.integer.map { ", undoes \($0)" } ?? ""
        // The process ended before it was known.
        guard let receipt = record["receipt"], receipt != .null else { return "not known" + undoes }
        let loops = receipt["acknowledged_microseconds"]?.items ?? []
        let epoch = receipt["epoch"]?.integer.map { "epoch \($0)" } ?? "done"
        return (loops.contains(.null) ? "unconfirmed, \(epoch)" : epoch) + undoes
    }
}
