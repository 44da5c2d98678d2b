extension Decoder {
    func headerEdits(_ field: Field) -> HeaderEdits? {
        guard let fields = fields(of: field, as: HeaderEditKey.self) else { return nil }
        var edits = HeaderEdits()
        for (key, entry) in fields {
            switch key {
            case .set: store(headers(entry.field, isAllowed: isEditable), in: &edits.set)
            case .add: store(headers(entry.field, isAllowed: isEditable), in: &edits.add)
            case .remove: store(removals(entry.field), in: &edits.remove)
            }
        }
        return edits
    }

    /// `name: value` pairs; names that differ only in case are the same field and so duplicates.
    func headers(_ field: Field, isAllowed: (Node.Entry) -> Bool) -> [HeaderValue]? {
        guard let entries = entries(of: field) else { return nil }
        var headers: [HeaderValue] = []
        var seen = Set<String>()
        for entry in entries {
            do throws(ScalarError) {
                let name = try HTTPText.fieldName(entry.key)
                guard seen.insert(asciiLowercased(name)).inserted else {
                    findings.error("duplicate header \(quoted(name))", at: entry.keyPlace, hint: "header names have no case")
                    continue
                }
            } catch {
                findings.error("\(quoted(field.label)): \(error.message)", at: entry.keyPlace, hint: error.hint)
                continue
            }
            guard isAllowed(entry) else { continue }
            guard let value = value(entry.field, { text throws(ScalarError) in try HTTPText.fieldValue(text) }) else { continue }
            headers.append(HeaderValue(name: entry.key, value: value))
        }
        return headers
    }

    // MARK: - Private

    private func removals(_ field: Field) -> [String]? {
        list(of: field) { text throws(ScalarError) in try HTTPText.fieldName(text) }?
            .filter { isEditable($0.value, at: $0.place) }
            .map(\.value)
    }

    private func isEditable(_ entry: Node.Entry) -> Bool {
        isEditable(entry.key, at: entry.keyPlace)
    }

    private func isEditable(_ name: String, at place: Place) -> Bool {
        let lowercased = asciiLowercased(name)
        guard HTTPText.ownFields.contains(lowercased) else { return true }
        let hint = lowercased == "host" ? "use `rewrite_host`" : "it belongs to the connection, not to the message"
        findings.error("\(quoted(name)) cannot be edited", at: place, hint: hint)
        return false
    }
}
