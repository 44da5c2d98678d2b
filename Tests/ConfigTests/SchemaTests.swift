import Glibc
import Testing

@testable import Config

/// The key table, `conf/schema.json` and `conf/full.yaml` must tell the same story. JSON is YAML, so our own reader reads all.
@Suite struct SchemaTests {
    private func tree(_ name: String) throws -> Node {
        let text = try #require(SchemaTests.bytes("\(repository)/conf/\(name)"))
        let findings = Findings(file: name)
        let node = YAMLReader.read(text, into: findings)
        #expect(findings.inFileOrder == [])
        return try #require(node)
    }

    private static func bytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    /// Keys that this version knows and keys that it accepts in one form.
    private func accepted(_ shape: Schema.Shape) -> Set<String> {
        let neutral = UnsupportedKey.keys(at: shape.location).filter { if case .nothing = $0.neutral { false } else { true } }
        return Set(shape.keys + neutral.map(\.key))
    }

    @Test("schema.json has exactly the keys that are read, and refuses others")
    func schemaMatchesTable() throws {
        var found: [String: Node] = [:]
        collect(try tree("schema.json"), at: "", into: &found)
        #expect(Set(found.keys) == Set(Schema.shapes.map(\.location)))
        for shape in Schema.shapes {
            let object = try #require(found[shape.location], "\(shape.location)")
            #expect(Set(object["properties"]?.keys ?? []) == accepted(shape), "\(shape.location)")
            #expect(object["additionalProperties"]?.text == "false", "\(shape.location)")
        }
    }

    @Test("schema.json and full.yaml name the same defaults")
    func defaultsAgree() throws {
        var found: [String: Node] = [:]
        collect(try tree("schema.json"), at: "", into: &found)
        let full = try tree("full.yaml")
        var compared = 0
        for shape in Schema.shapes {
            for key in accepted(shape) {
                guard let value = found[shape.location]?["properties"]?[key]?["default"]?.text else { continue }
                let shown = values(of: key, in: nodes(at: shape.location, in: full))
                #expect(
                    key == "body" || key == "path" && shape.location == "routes[].match" || shown.contains(value),
                    "\(shape.location) \(key)")
                compared += 1
            }
        }
        #expect(compared > 25)
    }

    @Test("full.yaml shows every key")
    func fullShowsEveryKey() throws {
        let full = try tree("full.yaml")
        for shape in Schema.shapes {
            let shown = Set(nodes(at: shape.location, in: full).flatMap(\.keys))
            #expect(shown == accepted(shape), "\(shape.location)")
        }
    }

    @Test("a key is either read or unsupported, never both")
    func disjoint() {
        for shape in Schema.shapes {
            #expect(Set(shape.keys).isDisjoint(with: UnsupportedKey.keys(at: shape.location).map(\.key)))
        }
        #expect(UnsupportedKey.all.allSatisfy { row in Schema.shapes.contains { $0.location == row.location } })
    }

    // MARK: - Private

    /// Every object of the schema that lists its properties, by our notation of places.
    private func collect(_ schema: Node, at location: String, into found: inout [String: Node]) {
        if let properties = schema["properties"] {
            found[location] = schema
            for key in properties.keys {
                guard let property = properties[key] else { continue }
                collect(property, at: location.isEmpty ? key : "\(location).\(key)", into: &found)
            }
        }
        if let items = schema["items"] { collect(items, at: location + "[]", into: &found) }
        if let named = schema["additionalProperties"] { collect(named, at: location + ".*", into: &found) }
    }

    /// The mappings of a configuration at a place in our notation.
    private func nodes(at location: String, in root: Node) -> [Node] {
        var nodes = [root]
        for step in location.split(separator: ".") {
            let name = step.hasSuffix("[]") ? String(step.dropLast(2)) : String(step)
            nodes = nodes.flatMap { name == "*" ? $0.keys.compactMap($0.subscriptValue) : [$0[name]].compactMap { $0 } }
            if step.hasSuffix("[]") { nodes = nodes.flatMap(\.elements) }
        }
        return nodes
    }

    private func values(of key: String, in nodes: [Node]) -> [String] {
        nodes.compactMap { $0[key]?.text }
    }
}

extension Node {
    fileprivate var keys: [String] {
        if case .mapping(let entries) = content { return entries.map(\.key) }
        return []
    }

    fileprivate var elements: [Node] {
        if case .sequence(let elements) = content { return elements }
        return []
    }

    fileprivate var text: String? {
        if case .scalar(let scalar) = content { return scalar.text }
        return nil
    }

    fileprivate func subscriptValue(_ key: String) -> Node? { self[key] }

    fileprivate subscript(key: String) -> Node? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }
}
