/// Host names: RFC 1123 labels, and the underscore that container names use.
enum HostText {
    /// A DNS name, lower case. A name that looks like a broken IPv4 address is refused, not looked up.
    static func name(_ text: String) throws(ScalarError) -> String {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw ScalarError("\(quoted(text)) is not an ASCII name", hint: "write it in punycode (xn--…)")
        }
        guard !text.isEmpty, text.utf8.count <= 253 else { throw ScalarError("\(quoted(text)) is not a host name") }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true {
            throw ScalarError("\(quoted(text)) ends with a dot", hint: "write \(text.dropLast())")
        }
        for label in labels {
            let isWellFormed = label.allSatisfy {
                $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
            guard isWellFormed, (1...63).contains(label.count), label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-") else {
                throw ScalarError("\(quoted(text)) is not a host name")
            }
        }
        if labels.last?.allSatisfy(\.isASCIIDigit) == true { throw ScalarError("\(quoted(text)) is not an IPv4 address") }
        return asciiLowercased(text)
    }

    /// What `match.hosts` may hold: an exact name, `*.suffix`, or an IP literal (IPv6 in brackets). Lower case.
    static func pattern(_ text: String) throws(ScalarError) -> String {
        if text == "*" { throw ScalarError("`*` matches nothing by itself", hint: "leave `hosts` out to match every host") }
        if text.hasPrefix("[") || IPAddress(text) != nil { return try literal(text) }
        if text.contains(":") {
            throw ScalarError("\(quoted(text)) has a port", hint: "hosts are compared without their port; write the name alone")
        }
        guard text.hasPrefix("*.") else {
            if text.contains("*") {
                throw ScalarError("\(quoted(text)): `*` may only be the whole first label", hint: "write *.example.com")
            }
            return try name(text)
        }
        return "*." + (try name(String(text.dropFirst(2))))
    }

    /// What goes into a `Host` field: a name or an address, with or without a port.
    static func authority(_ text: String) throws(ScalarError) -> String {
        let colon = text.hasSuffix("]") ? nil : text.lastIndex(of: ":")
        guard let colon else { return text.hasPrefix("[") || IPAddress(text) != nil ? try literal(text) : try name(text) }
        switch try Endpoint.parse(text, role: .target) {
        case .tcp: return asciiLowercased(String(text[..<colon])) + text[colon...]
        case .unix: throw ScalarError("\(quoted(text)) is not a host")
        }
    }

    // MARK: - Private

    private static func literal(_ text: String) throws(ScalarError) -> String {
        if text.hasPrefix("["), text.hasSuffix("]"), let address = IPAddress(text.dropFirst().dropLast()), address.bytes.count == 16 {
            return "[\(address.canonicalText)]"
        }
        guard let address = IPAddress(text) else { throw ScalarError("\(quoted(text)) is not an IPv6 address in brackets") }
        guard address.bytes.count == 4 else {
            throw ScalarError("\(quoted(text)) needs brackets", hint: "write [\(address.canonicalText)]")
        }
        return address.canonicalText
    }
}
