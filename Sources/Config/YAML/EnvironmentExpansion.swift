/// Replaces `${NAME}` and `${NAME:-default}` in the scalars of a tree; `$${` stands for a plain `${`. Keys are left alone.
///
/// Works on the parsed tree, so that no value from outside can become YAML structure, and marks what it touched as text: an
/// expansion never yields null.
struct EnvironmentExpansion {
    private let environment: [String: String]
    private let findings: Findings
    /// A short text that names a long variable often must not fill the memory.
    private var budget = Defaults.Bounds.fileBytes

    init(environment: [String: String], findings: Findings) {
        self.environment = environment
        self.findings = findings
    }

    mutating func expand(_ node: Node) -> Node {
        var node = node
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.utf8.contains(UInt8(ascii: "$")), scalar.text.contains("${") else { return node }
            do throws(Failure) {
                node.content = .scalar(Node.Scalar(text: try expand(scalar.text), isPlain: false))
            } catch {
                findings.error(error.message, at: node.place, hint: error.hint)
                node.content = .refused
            }
        case .sequence(let elements):
            node.content = .sequence(elements.map { expand($0) })
        case .mapping(let entries):
            node.content = .mapping(entries.map { Node.Entry(key: $0.key, keyPlace: $0.keyPlace, value: expand($0.value)) })
        case .refused:
            break
        }
        return node
    }

    // MARK: - Private

    private struct Failure: Error {
        var message: String
        var hint: String?
    }

    private mutating func expand(_ text: String) throws(Failure) -> String {
        var rest = text.utf8[...]
        var result = ""
        while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
            result += String(Substring(rest[..<dollar]))
            rest = rest[dollar...]
            if rest.starts(with: "$${".utf8) {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.starts(with: "${".utf8) {
                rest = rest.dropFirst(2)
                guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else {
                    throw Failure(message: "`${` without its `}`", hint: "write `$${` for a plain `${`")
                }
                let value = try value(of: rest[..<end])
                budget -= value.utf8.count
                guard budget >= 0 else { throw Failure(message: "the expanded text is longer than \(Defaults.Bounds.fileBytes) bytes") }
                result += value
                rest = rest[end...].dropFirst()
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + String(Substring(rest))
    }

    /// - Parameter reference: what stands between the braces.
    private func value(of reference: Substring.UTF8View) throws(Failure) -> String {
        let nameEnd = reference.firstIndex { !Self.mayStandInName($0) } ?? reference.endIndex
        let name = String(Substring(reference[..<nameEnd]))
        let tail = reference[nameEnd...]
        let isNamed = reference.first.map { Self.mayStandInName($0) && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
        guard isNamed, tail.isEmpty || tail.starts(with: ":-".utf8) else {
            throw Failure(
                message: "\(quoted("${\(Substring(reference))}")) is no variable",
                hint: "write ${NAME} or ${NAME:-default}; `$${` is a plain `${`")
        }
        let fallback = tail.isEmpty ? nil : String(Substring(tail.dropFirst(2)))
        if let fallback, fallback.contains("${") {
            throw Failure(message: "a default cannot hold another variable", hint: nil)
        }
        // As in a shell: with `:-` an empty variable counts as unset.
        if let value = environment[name], !(value.isEmpty && fallback != nil) { return value }
        if let fallback { return fallback }
        throw Failure(message: "the environment variable \(quoted(name)) is not set", hint: "give a default: ${\(name):-…}")
    }

    private static func mayStandInName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
