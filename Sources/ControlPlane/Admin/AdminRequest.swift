/// One request to the admin API, whole: the API has no bodies worth streaming.
package struct AdminRequest: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// In lower case.
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    /// As sent, without the query.
    package var path: String
    package var query: String
    package var fields: [Field]
    package var body: [UInt8]
    /// For the journal: "uid 1000 (pid 4711)" by SO_PEERCRED, "token NAME", or who it is when neither is known.
    package var actor: String

    package init(
        method: String, path: String, query: String = "", fields: [Field] = [], body: [UInt8] = [], actor: String = "nobody"
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.body = body
        self.actor = actor
    }

    /// GET and HEAD: what changes nothing, and so needs no token.
    package var isRead: Bool { method == "GET" || method == "HEAD" }

    /// The field's value, several joined as RFC 9110 §5.3 has it; nil when there is none.
    package func field(_ name: String) -> String? {
        let values = fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The path's segments without percent-encoding; nil when the encoding is broken.
    var segments: [String]? {
        var segments: [String] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let text = PercentText.decode(part) else { return nil }
            segments.append(text)
        }
        return segments
    }

    /// The query's parameters in their order; nil when it is malformed or names one twice.
    var parameters: [(name: String, value: String)]? {
        var parameters: [(name: String, value: String)] = []
        for part in query.split(separator: "&") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentText.decode(halves[0]), let value = PercentText.decode(halves.count > 1 ? halves[1] : "") else {
                return nil
            }
            guard !parameters.contains(where: { $0.name == name }) else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }
}

/// RFC 3986 percent-encoding.
enum PercentText {
    /// Nil for a broken escape or bytes that are not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.flatMap { UInt8(exactly: $0) }
    }
}
