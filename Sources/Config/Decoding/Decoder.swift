/// A node under the name that messages give it.
struct Field {
    var label: String
    var node: Node
}

extension Node.Entry {
    var field: Field { Field(label: key, node: value) }
}

/// Reads a tree into a `Draft`. Goes on after every error, so that all of them are found; a nil from a reader means: reported.
struct Decoder {
    let findings: Findings
    /// Absolute; where relative paths begin.
    let folder: String
    var draft = Draft()

    init(findings: Findings, folder: String) {
        self.findings = findings
        self.folder = folder
    }

    // MARK: - Shapes

    /// The entries of a mapping with fixed keys. Unknown and unsupported keys are reported and left out.
    func fields<Key: SchemaKey>(of field: Field, as type: Key.Type) -> [(key: Key, entry: Node.Entry)]? {
        guard let entries = entries(of: field) else { return nil }
        let unsupported = UnsupportedKey.keys(at: Key.location)
        var fields: [(key: Key, entry: Node.Entry)] = []
        for entry in entries {
            if let row = unsupported.first(where: { $0.key == entry.key }) {
                refuse(row, entry)
            } else if let key = Key(rawValue: entry.key) {
                fields.append((key, entry))
            } else {
                let known = Schema.keys(type) + unsupported.map(\.key)
                findings.error("unknown key \(quoted(entry.key))", at: entry.keyPlace, hint: Suggestion.hint(for: entry.key, among: known))
            }
        }
        return fields
    }

    /// The entries of a mapping whose keys are the operator's names.
    func entries(of field: Field) -> [Node.Entry]? {
        switch field.node.content {
        case .mapping(let entries): return entries
        case .refused: return nil
        case .scalar, .sequence:
            findings.error("\(quoted(field.label)) must be a mapping (`key: value`)", at: field.node.place)
            return nil
        }
    }

    func elements(of field: Field) -> [Field]? {
        switch field.node.content {
        case .sequence(let nodes): return nodes.map { Field(label: field.label, node: $0) }
        case .refused: return nil
        case .scalar(let scalar):
            let hint = scalar.isNull ? "leave the key out, or write []" : "write [\(scalar.text)]"
            findings.error("\(quoted(field.label)) must be a list", at: field.node.place, hint: hint)
            return nil
        case .mapping:
            findings.error("\(quoted(field.label)) must be a list", at: field.node.place, hint: "put `-` before each element")
            return nil
        }
    }

    /// The elements that `parse` accepts; the others are reported.
    func list<Value>(of field: Field, _ parse: (String) throws(ScalarError) -> Value) -> [Located<Value>]? {
        elements(of: field).map { elements in
            elements.compactMap { element in
                value(element, parse).map { Located(value: $0, place: element.node.place) }
            }
        }
    }

    // MARK: - Scalars

    func text(_ field: Field) -> String? {
        switch field.node.content {
        case .scalar(let scalar) where scalar.isNull:
            findings.error("\(quoted(field.label)) has no value", at: field.node.place, hint: "leave the key out to get the default")
            return nil
        case .scalar(let scalar): return scalar.text
        case .refused: return nil
        case .sequence, .mapping:
            findings.error("\(quoted(field.label)) must be a single value", at: field.node.place)
            return nil
        }
    }

    func value<Value>(_ field: Field, _ parse: (String) throws(ScalarError) -> Value) -> Value? {
        guard let text = text(field) else { return nil }
        do throws(ScalarError) {
            return try parse(text)
        } catch {
            findings.error("\(quoted(field.label)): \(error.message)", at: field.node.place, hint: error.hint)
            return nil
        }
    }

    /// `null` is an answer here: none.
    func optional<Value>(_ field: Field, _ parse: (String) throws(ScalarError) -> Value) -> Value?? {
        if isNull(field) { return .some(nil) }
        return value(field, parse).map { .some($0) }
    }

    func isNull(_ field: Field) -> Bool {
        if case .scalar(let scalar) = field.node.content { return scalar.isNull }
        return false
    }

    func number(_ field: Field, in range: ClosedRange<Int>) -> Int? {
        value(field) { text throws(ScalarError) in
            guard let number = wholeNumber(text.utf8).flatMap({ Int(exactly: $0) }), range.contains(number) else {
                throw ScalarError("\(quoted(text)) is not a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return number
        }
    }

    /// A duration; zero only where the caller says what zero would mean.
    func duration(_ field: Field, allowingZero: Bool = false) -> Duration? {
        value(field) { text throws(ScalarError) in
            let duration = try Quantities.duration(text)
            guard allowingZero || duration > .zero else {
                throw ScalarError("must be above zero", hint: "zero does not mean without end; to wait long, write 24h")
            }
            return duration
        }
    }

    /// - Parameter said: the range in the operator's words.
    func size(_ field: Field, in range: ClosedRange<Int>, said: String) -> Int? {
        value(field) { text throws(ScalarError) in
            guard let bytes = Int(exactly: try Quantities.size(text)), range.contains(bytes) else {
                throw ScalarError("\(quoted(text)) is not a size from \(said)")
            }
            return bytes
        }
    }

    func flag(_ field: Field) -> Bool? {
        value(field) { text throws(ScalarError) in
            switch text {
            case "true": return true
            case "false": return false
            default: throw ScalarError("\(quoted(text)) is not a boolean", hint: Self.booleanHint(text))
            }
        }
    }

    /// - Parameter meant: what other houses write, and our word for it.
    func choice<Value>(_ field: Field, _ words: KeyValuePairs<String, Value>, meant: KeyValuePairs<String, String> = [:]) -> Value? {
        value(field) { text throws(ScalarError) in
            if let match = words.first(where: { $0.key == text }) { return match.value }
            if let word = meant.first(where: { $0.key == asciiLowercased(text) })?.value {
                throw ScalarError("\(quoted(text)) is not known here", hint: "did you mean \(quoted(word))?")
            }
            throw ScalarError("\(quoted(text)) is not known here", hint: Suggestion.hint(for: text, among: words.map(\.key)))
        }
    }

    /// A path in the file system, absolute: a relative one begins in the folder of the configuration file, wherever the process was started.
    func filePath(_ field: Field) -> String? {
        value(field, filePath(_:))
    }

    func filePath(_ text: String) throws(ScalarError) -> String {
        let path = text.hasPrefix("/") ? text : folder + (folder.hasSuffix("/") ? "" : "/") + text.dropFirst(text.hasPrefix("./") ? 2 : 0)
        guard !text.isEmpty, !text.utf8.contains(0), path.utf8.count <= Defaults.Bounds.pathBytes else {
            throw ScalarError("\(quoted(text)) is not a path")
        }
        return path
    }

    /// A name that commands, logs and metrics will use.
    func name(_ text: String) throws(ScalarError) -> String {
        let first = text.utf8.first.map { $0.isASCIILetter || $0.isASCIIDigit } ?? false
        let isWellFormed = text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "_.-".utf8.contains($0) }
        guard first, isWellFormed, text.utf8.count <= Defaults.Bounds.nameBytes else {
            throw ScalarError(
                "\(quoted(text)) is not a name",
                hint: "letters, digits, `_`, `.` and `-`, at most \(Defaults.Bounds.nameBytes), a letter or digit first")
        }
        return text
    }

    /// The key of an entry as a name.
    func name(of entry: Node.Entry, kind: String) -> String? {
        do throws(ScalarError) {
            return try name(entry.key)
        } catch {
            findings.error("\(kind) \(error.message)", at: entry.keyPlace, hint: error.hint)
            return nil
        }
    }

    // MARK: - Private

    private func refuse(_ row: UnsupportedKey, _ entry: Node.Entry) {
        if case .zeroDuration = row.neutral {
            guard let duration = duration(entry.field, allowingZero: true), duration > .zero else { return }
        }
        findings.error("\(quoted(row.key)) is not supported by this version", at: entry.keyPlace)
    }

    private static func booleanHint(_ text: String) -> String {
        "write true or false" + (truth(text).map { ", here \($0)" } ?? "")
    }

    /// What YAML 1.1 and people take for a boolean.
    private static func truth(_ text: String) -> Bool? {
        switch asciiLowercased(text) {
        case "yes", "on", "y", "true", "1": true
        case "no", "off", "n", "false", "0": false
        default: nil
        }
    }
}

/// Keeps the default where nothing readable was given.
func store<Value>(_ value: Value?, in variable: inout Value) {
    if let value { variable = value }
}
