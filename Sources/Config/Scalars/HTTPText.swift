/// Pieces of HTTP that an operator may write (RFC 9110 §5.1, §5.5, §9.1). What these let through can be sent as it is.
enum HTTPText {
    static func method(_ text: String) throws(ScalarError) -> String {
        guard isToken(text) else { throw ScalarError("\(quoted(text)) is not a method", hint: "write GET, POST …") }
        return text
    }

    /// A field name, as written.
    static func fieldName(_ text: String) throws(ScalarError) -> String {
        guard isToken(text), text.utf8.count <= 256 else { throw ScalarError("\(quoted(text)) is not a header name") }
        return text
    }

    /// Values can be secrets: never part of a message.
    static func fieldValue(_ text: String) throws(ScalarError) -> String {
        for byte in text.utf8 {
            switch byte {
            case 0x0a, 0x0d, 0x00: throw ScalarError("a header value cannot hold a line break or NUL")
            case 0x09, 0x20...0x7e, 0x80...0xff: continue
            default: throw ScalarError("a header value cannot hold control characters")
            }
        }
        guard text.utf8.first.map(isBlank) != true, text.utf8.last.map(isBlank) != true else {
            throw ScalarError("a header value cannot begin or end with a blank", hint: "receivers drop them")
        }
        return text
    }

    /// The beginning of a request path: `/`, then visible ASCII without `?` and `#`.
    static func path(_ text: String) throws(ScalarError) -> String {
        guard text.hasPrefix("/") else { throw ScalarError("\(quoted(text)) does not begin with `/`", hint: "write /\(text)") }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ScalarError("\(quoted(text)) holds a character that no request path has", hint: "percent-encode it")
        }
        guard !text.utf8.contains(UInt8(ascii: "?")), !text.utf8.contains(UInt8(ascii: "#")) else {
            throw ScalarError("\(quoted(text)) goes beyond the path", hint: "queries are not matched; leave `?` and `#` out")
        }
        return text
    }

    /// What a probe asks for: a path, and a query if need be.
    static func pathAndQuery(_ text: String) throws(ScalarError) -> String {
        let end = text.firstIndex(of: "?") ?? text.endIndex
        _ = try path(String(text[..<end]))
        guard text[end...].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }) else {
            throw ScalarError("\(quoted(text)) holds a character that no query has", hint: "percent-encode it")
        }
        return text
    }

    /// RFC 6265 §4.1.1; the name is compared with its case.
    static func cookieName(_ text: String) throws(ScalarError) -> String {
        guard isToken(text), text.utf8.count <= 256 else { throw ScalarError("\(quoted(text)) is not a cookie name") }
        return text
    }

    /// What can stand between `=` and `;` in a Cookie field. Browsers send more than RFC 6265 allows, so only what could never match is
    /// refused. Values can be secrets: never part of a message.
    static func cookieValue(_ text: String) throws(ScalarError) -> String {
        _ = try fieldValue(text)
        guard !text.utf8.contains(UInt8(ascii: ";")) else { throw ScalarError("a cookie value cannot hold `;`") }
        return text
    }

    /// The name of a query parameter, as it stands in the request.
    static func queryName(_ text: String) throws(ScalarError) -> String {
        guard !text.isEmpty, !text.utf8.contains(UInt8(ascii: "=")) else { throw ScalarError("\(quoted(text)) is not a query parameter") }
        return try queryValue(text)
    }

    /// The value of one, as it stands in the request; empty where it has none.
    static func queryValue(_ text: String) throws(ScalarError) -> String {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "#") }) else {
            throw ScalarError("a character here never stands in a query", hint: "compared as sent: percent-encode it")
        }
        return text
    }

    /// A `Location`: visible ASCII, a path or an absolute URI, in which `{path}` is the only placeholder.
    static func location(_ text: String) throws(ScalarError) -> String {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ScalarError("\(quoted(text)) cannot stand in a Location", hint: "visible ASCII only; percent-encode the rest")
        }
        guard text.hasPrefix("/") || text.hasPrefix("{path}") || text.contains("://") else {
            throw ScalarError("\(quoted(text)) is neither a path nor a URL", hint: "write https://\(text) or /\(text)")
        }
        var rest = text[...]
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            guard rest[open...].hasPrefix("{path}") else {
                throw ScalarError("\(quoted(text)) has an unknown placeholder", hint: "there is only {path}: the request's path and query")
            }
            rest = rest[open...].dropFirst("{path}".count)
        }
        return text
    }

    /// Fields that Sluice itself answers for; editing them would break framing or the hop.
    static let ownFields = [
        "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive", "proxy-connection",
    ]

    // MARK: - Private

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }
}
