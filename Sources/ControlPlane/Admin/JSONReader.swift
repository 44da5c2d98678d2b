/// Strict RFC 8259: exactly one value, no duplicate members, bounded depth. For input that others wrote.
struct JSONReader {
    struct Failure: Error, Equatable {
        /// A phrase: "a comma is missing".
        var message: String
        /// Offset in bytes.
        var offset: Int
    }

    private static let depthLimit = 16

    private let bytes: [UInt8]
    private var at = 0

    static func read(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.at == bytes.count else { throw reader.failure("something follows the value") }
        return value
    }

    // MARK: - Private

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func failure(_ message: String) -> Failure { Failure(message: message, offset: at) }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        skipSpace()
        guard depth < Self.depthLimit else { throw failure("it is nested too deeply") }
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try list(depth: depth)
        case UInt8(ascii: "\""): return .text(try text())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("it ends too early")
        default: return .number(try number())
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONValue {
        at += 1
        var members: [JSONValue.Member] = []
        var names = Set<String>()
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a member's name in quotes is missing") }
            let name = try text()
            guard names.insert(name).inserted else { throw failure("the member \"\(name)\" is there twice") }
            skipSpace()
            guard take(":") else { throw failure("a colon is missing") }
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("a comma or } is missing") }
        }
    }

    private mutating func list(depth: Int) throws(Failure) -> JSONValue {
        at += 1
        var values: [JSONValue] = []
        skipSpace()
        if take("]") { return .list([]) }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            if take("]") { return .list(values) }
            guard take(",") else { throw failure("a comma or ] is missing") }
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(Failure) -> JSONValue {
        guard bytes[at...].starts(with: word.utf8) else { throw failure("this is not a JSON value") }
        at += word.utf8.count
        return value
    }

    private mutating func number() throws(Failure) -> String {
        let start = at
        _ = take("-")
        let isZero = take("0")
        guard isZero || digits() > 0 else { throw failure("this is not a JSON value") }
        if take(".") { guard digits() > 0 else { throw failure("a digit is missing") } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() > 0 else { throw failure("a digit is missing") }
        }
        return String(decoding: bytes[start..<at], as: UTF8.self)
    }

    private mutating func digits() -> Int {
        let start = at
        while let byte = next, byte >= 0x30 && byte <= 0x39 { at += 1 }
        return at - start
    }

    private mutating func text() throws(Failure) -> String {
        at += 1
        var text: [UInt8] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                guard let valid = String(validating: text, as: UTF8.self) else { throw failure("a text is not UTF-8") }
                return valid
            case UInt8(ascii: "\\"):
                at += 1
                text += try escape()
            case 0..<0x20: throw failure("a control character stands in a text")
            default:
                text.append(byte)
                at += 1
            }
        }
        throw failure("a text does not end")
    }

    private mutating func escape() throws(Failure) -> [UInt8] {
        guard let byte = next else { throw failure("a text does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try scalar()
        default: throw failure("an escape is unknown")
        }
    }

    private mutating func scalar() throws(Failure) -> [UInt8] {
        let first = try unit()
        var units = [first]
        if UTF16.isLeadSurrogate(first), take("\\"), take("u") { units.append(try unit()) }
        guard let text = String(validating: units, as: UTF16.self) else { throw failure("half a surrogate pair") }
        return Array(text.utf8)
    }

    private mutating func unit() throws(Failure) -> UInt16 {
        guard at + 4 <= bytes.count, bytes[at..<at + 4].allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
            let unit = UInt16(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits are missing") }
        at += 4
        return unit
    }
}
