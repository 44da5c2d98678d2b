/// Any JSON value as it was written: numbers keep their digits, members their order.
indirect enum JSONValue: Sendable, Equatable {
    struct Member: Sendable, Equatable {
        var name: String
        var value: JSONValue
    }

    case null
    case bool(Bool)
    /// The digits as written; RFC 8259 grammar.
    case number(String)
    case text(String)
    case list([JSONValue])
    case object([Member])

    /// The value of a member; nil when this is no object or has none of that name.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var int: Int? { if case .number(let digits) = self { Int(digits) } else { nil } }
    var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    /// What kind of value this is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .text: "a text"
        case .list: "a list"
        case .object: "an object"
        }
    }
}

extension JSONValue: Encodable {
    func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            // A dictionary's keys are exempt from the encoder's renaming.
            try Dictionary(members.map { ($0.name, $0.value) }) { first, _ in first }.encode(to: encoder)
        case .list(let values): try values.encode(to: encoder)
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value): try value.encode(to: encoder)
        case .text(let value): try value.encode(to: encoder)
        case .number(let digits):
            if let whole = Int64(digits) { try whole.encode(to: encoder) } else { try (Double(digits) ?? 0).encode(to: encoder) }
        }
    }
}
