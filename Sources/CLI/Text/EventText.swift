/// One event as a line: when, what, about what, and the rest.
enum EventText {
    static func line(_ event: EventParser.Event, paint: Paint) -> String {
        let value = JSONValue.decode(Array(event.data.utf8)) ?? .string(event.data)
        guard case .object(var members) = value else { return "\(event.name): \(Printable.text(value.words))\n" }
        let time = members.removeValue(forKey: "time")?.words
        let id = event.id ?? members["id"]?.words
        members["id"] = nil
        let name = members.removeValue(forKey: "type")?.string ?? event.name
        var words = [members.removeValue(forKey: "service")?.words]
        if let data = members.removeValue(forKey: "data") { words += details(data) }
        words += rest(members)
        let text = words.compactMap(\.self).map(Printable.text).joined(separator: "  ")
        let head = [time, id.map { "#\($0)" }].compactMap(\.self).map(Printable.text) + [paint(Printable.text(name), tone(name, value))]
        return head.joined(separator: "  ") + (text.isEmpty ? "" : "  " + text) + "\n"
    }

    // MARK: - Private

    /// What is particular to the kind of event.
    private static func details(_ data: JSONValue) -> [String?] {
        guard case .object(var members) = data else { return [data.words] }
        members["time"] = nil
        members["service"] = nil
        let command = members.removeValue(forKey: "command")?.words
        guard members["acknowledgements"] != nil else { return [command] + rest(members) }
        // A receipt: the proof itself is the history's business.
        var words = [command]
        if let now = split(members["split"]), let before = split(members["previous_split"]), now != before {
            words.append("\(before) → \(now)")
        }
        if let epoch = members["epoch"]?.integer { words.append("epoch \(epoch)") }
        if let outcome = members["outcome"]?.string, outcome != "done" { words.append(outcome) }
        return words + (members["notes"]?.items ?? []).map(\.words)
    }

    private static func rest(_ members: [String: JSONValue]) -> [String?] {
        members.filter { $0.value != .null }.sorted { $0.key < $1.key }.map { "\($0.key.replacing("_", with: " ")): \($0.value.words)" }
    }

    private static func split(_ value: JSONValue?) -> String? {
        guard case .object(let shares)? = value else { return nil }
        return ReceiptText.split(shares.compactMapValues(\.number))
    }

    private static func tone(_ name: String, _ event: JSONValue) -> Paint.Tone? {
        let words = [name, event["data"]?["outcome"]?.string ?? "", event["data"]?["state"]?.string ?? ""]
        return words.contains { ["unhealthy", "failed", "refused", "unconfirmed"].contains($0) } ? .bad : .bold
    }
}
