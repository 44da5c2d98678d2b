/// A strict reader of one JSON object without nesting: what a log line must be. nil for anything else.
struct FlatJSON {
    enum Value: Equatable {
        case text([Unicode.Scalar])
        case number(UInt64)
        case bool(Bool)
        case null
    }

    private(set) var members: [(key: String, value: Value)] = []
    private let bytes: [UInt8]
    private var index = 0

    subscript(key: String) -> Value? { members.first { $0.key == key }?.value }

    init?(_ line: some Sequence<UInt8>) {
        bytes = Array(line)
        guard String(validating: bytes, as: UTF8.self) != nil, take("{") else { return nil }
        repeat {
            guard let key = string(), take(":"), let value = value() else { return nil }
            members.append((String(String.UnicodeScalarView(key)), value))
        } while take(",")
        guard take("}"), index == bytes.count else { return nil }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    private mutating func value() -> Value? {
        guard index < bytes.count else { return nil }
        if bytes[index] == UInt8(ascii: "\"") { return string().map { .text($0) } }
        let word = String(decoding: bytes[index...].prefix { ![UInt8(ascii: ","), UInt8(ascii: "}")].contains($0) }, as: UTF8.self)
        index += word.utf8.count
        switch word {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null": return .null
        default: return word == "0" || word.first != "0" ? UInt64(word).map { .number($0) } : nil
        }
    }

    private mutating func string() -> [Unicode.Scalar]? {
        guard take("\"") else { return nil }
        var raw: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return Array(String(decoding: raw, as: UTF8.self).unicodeScalars)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                raw += Array(String(Character(scalar)).utf8)
            case 0..<0x20: return nil
            default: raw.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard index < bytes.count else { return nil }
        let byte = bytes[index]
        index += 1
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return Unicode.Scalar(byte) }
        guard byte == UInt8(ascii: "u"), index + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[index..<index + 4], as: UTF8.self)
        index += 4
        return UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
    }
}
