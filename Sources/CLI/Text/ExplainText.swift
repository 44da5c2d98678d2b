/// `sluice explain`: what became of a request, in words.
enum ExplainText {
    /// The proxy's sentences; what else it says stands one to a line.
    static func text(_ answer: JSONValue) -> String? {
        guard case .object(let members) = answer else { return nil }
        var rest = members
        var lines = sentences(rest.removeValue(forKey: "text")?.string ?? "").map(Printable.text)
        // The access log's line is for programs (-o json).
        rest["line"] = nil
        rest["request_id"] = nil
        let rows = rest.filter { $0.value != .null }.sorted { $0.key < $1.key }
            .map { ["  " + Printable.text($0.key.replacing("_", with: " ")), Printable.text($0.value.words)] }
        if !lines.isEmpty && !rows.isEmpty { lines.append("") }
        lines += Table.lines(rows)
        return lines.isEmpty ? nil : lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Private

    /// One to a line. A point inside a path or an address has no space and capital behind it.
    private static func sentences(_ text: String) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            let isNew = last.hasSuffix(".") && word.first?.isUppercase == true
            if isNew { lines.append(String(word)) } else { lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)" }
        }
        return lines.filter { !$0.isEmpty }
    }
}
