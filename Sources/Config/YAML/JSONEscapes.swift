/// The one thing in JSON that is not YAML: characters beyond the basic plane as two `\u` escapes (RFC 8259 §7).
enum JSONEscapes {
    /// Joins such pairs into YAML's `\U`; only in a file that begins like a JSON object, where a backslash stands in strings alone.
    static func asYAML(_ text: [UInt8]) -> [UInt8] {
        guard text.first(where: { !" \t\r\n".utf8.contains($0) }) == UInt8(ascii: "{"), text.contains(UInt8(ascii: "\\")) else {
            return text
        }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.first {
            if byte != UInt8(ascii: "\\") {
                result.append(byte)
                rest = rest.dropFirst()
            } else if let high = unit(rest), (0xd800..<0xdc00).contains(high),
                let low = unit(rest.dropFirst(6)), (0xdc00..<0xe000).contains(low)
            {
                let scalar = 0x10000 + (high - 0xd800) << 10 + (low - 0xdc00)
                let digits = String(scalar, radix: 16)
                result += "\\U".utf8
                result += String(repeating: "0", count: 8 - digits.utf8.count).utf8
                result += digits.utf8
                rest = rest.dropFirst(12)
            } else {
                // A backslash and what it escapes go together: the second of two begins nothing.
                result += rest.prefix(2)
                rest = rest.dropFirst(2)
            }
        }
        return result
    }

    // MARK: - Private

    /// The number in a leading `\uXXXX`.
    private static func unit(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.starts(with: "\\u".utf8) else { return nil }
        let digits = text.dropFirst(2).prefix(4)
        guard digits.count == 4, digits.allSatisfy({ $0.isASCIIDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20) })
        else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
