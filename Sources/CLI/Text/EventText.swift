/// One event as a line: when, what, about what, and the rest.
enum EventText {
    static func line(_ event: EventParser.Event, paint: Paint) -> String {
        let data = JSONValue.decode(Array(event.data.utf8)) ?? .string(event.data)
        guard case .object(var members) = data else { return "\(event.name): \(Printable.text(data.words))\n" }
        let time = members.removeValue(forKey: "time")?.words
        let id = event.id ?? members["id"]?.words
        members["id"] = nil
        // What is particular to the kind of event.
        if case .object(let data)? = members.removeValue(forKey: "data") { members.merge(data) { envelope, _ in envelope } }
        let name = members.removeValue(forKey: "type")?.string ?? event.name
        var parts = [time, id.map { "#\($0)" }, paint(name, tone(name)), members.removeValue(forKey: "service")?.words]
        parts.append((members.removeValue(forKey: "text") ?? members.removeValue(forKey: "message"))?.words)
        let rest = members.filter { $0.value != .null }.sorted { $0.key < $1.key }
        parts += rest.map { "\($0.key.replacing("_", with: " ")): \($0.value.words)" }
        return parts.compactMap { $0 }.map { $0.hasPrefix("\u{1B}") ? $0 : Printable.text($0) }.joined(separator: "  ") + "\n"
    }

    // MARK: - Private

    private static func tone(_ name: String) -> Paint.Tone? {
        if ["unhealthy", "failed", "refused", "unconfirmed"].contains(where: name.contains) { return .bad }
        return name.contains("healthy") ? .good : .bold
    }
}
