/// Server-sent events: bytes in, events out (WHATWG HTML §9.2.6).
struct EventParser {
    struct Event: Sendable, Equatable {
        /// What `--after` and `Last-Event-ID` take.
        var id: String?
        var name: String
        var data: String
    }

    private var pending: [UInt8] = []
    private var id: String?
    private var name = ""
    private var data: [String] = []

    mutating func read(_ bytes: [UInt8]) -> [Event] {
        pending += bytes
        var events: [Event] = []
        while let end = pending.firstIndex(of: 0x0A) {
            var line = pending[..<end]
            if line.last == 0x0D { line.removeLast() }
            let text = String(decoding: line, as: UTF8.self)
            pending.removeFirst(end + 1)
            if text.isEmpty {
                if let event = take() { events.append(event) }
            } else {
                field(text)
            }
        }
        return events
    }

    // MARK: - Private

    private mutating func take() -> Event? {
        defer {
            name = ""
            data = []
        }
        guard !data.isEmpty else { return nil }
        return Event(id: id, name: name.isEmpty ? "message" : name, data: data.joined(separator: "\n"))
    }

    private mutating func field(_ line: String) {
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count == 2 ? parts[1] : ""
        if value.hasPrefix(" ") { value.removeFirst() }
        switch parts.first {
        case "id": id = String(value)
        case "event": name = String(value)
        case "data": data.append(String(value))
        // A comment (it begins with a colon), `retry`, and what later versions may say.
        default: break
        }
    }
}
