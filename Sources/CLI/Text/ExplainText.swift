/// `sluice explain`: what became of a request, in words.
enum ExplainText {
    /// The proxy's sentences; what else it says stands one to a line.
    static func text(_ answer: JSONValue) -> String? {
        guard case .object(let members) = answer else { return nil }
        var rest = members
        var lines = (rest.removeValue(forKey: "text")?.string ?? "").split(separator: "\n").map { Printable.text(String($0)) }
        // The access log's line is for programs (-o json).
        rest["line"] = nil
        rest["request_id"] = nil
        let rows = rest.filter { $0.value != .null }.sorted { $0.key < $1.key }
            .map { ["  " + Printable.text($0.key.replacing("_", with: " ")), Printable.text($0.value.words)] }
        if !lines.isEmpty && !rows.isEmpty { lines.append("") }
        lines += Table.lines(rows)
        return lines.isEmpty ? nil : lines.joined(separator: "\n") + "\n"
    }
}
