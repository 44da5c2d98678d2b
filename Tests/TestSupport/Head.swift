/// The head of a message as it stood on the wire. Text is Latin-1: one character a byte, nothing lost.
package struct Head: Sendable, Equatable {
    package var startLine: String
    /// Field lines in order, byte for byte.
    package var lines: [String]

    package init(startLine: String, lines: [String]) {
        self.startLine = startLine
        self.lines = lines
    }

    /// Every value of the field, in order, white space trimmed; names compare without case.
    package func values(_ name: String) -> [String] {
        lines.compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { return nil }
            return trimmed(line[line.index(after: colon)...])
        }
    }

    /// The only value of the field; several are joined by ", ".
    package subscript(name: String) -> String? {
        let all = values(name)
        return all.isEmpty ? nil : all.joined(separator: ", ")
    }

    /// "GET" of a request.
    package var method: String { word(0) }
    /// The request-target.
    package var target: String { word(1) }
    /// 0 when this is no response.
    package var status: Int { startLine.hasPrefix("HTTP/1.") ? Int(word(1)) ?? 0 : 0 }

    private func word(_ index: Int) -> String {
        let words = startLine.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        return index < words.count ? String(words[index]) : ""
    }

    private func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}

/// How the end of a body is known.
package enum Framing: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
    case untilClose
}

extension Head {
    /// RFC 9112 §6.3 as far as well-formed messages need it.
    package var requestFraming: Framing {
        if let coding = self["transfer-encoding"], coding.lowercased().hasSuffix("chunked") { return .chunked }
        return self["content-length"].flatMap { Int($0) }.map(Framing.length) ?? .none
    }

    package func responseFraming(to method: String) -> Framing {
        if method == "HEAD" || (100..<200).contains(status) || status == 204 || status == 304 { return .none }
        if let coding = self["transfer-encoding"], coding.lowercased().hasSuffix("chunked") { return .chunked }
        return self["content-length"].flatMap { Int($0) }.map(Framing.length) ?? .untilClose
    }
}

/// A body as it arrived.
package struct Body: Sendable, Equatable {
    package var bytes: [UInt8] = []
    package var trailers: [String] = []
    /// False when less arrived than the framing promised, or the connection was reset.
    package var isWhole = false
    package var text: String { latin1(bytes) }
    package init() {}
}

/// A final response, with the interim ones that came before it.
package struct Answer: Sendable {
    package var interims: [Head]
    package var head: Head
    package var framing: Framing
    package var body: Body

    package var status: Int { head.status }
    package var text: String { body.text }
    package var isWhole: Bool { body.isWhole }
    package subscript(name: String) -> String? { head[name] }
}

/// One character for each byte.
package func latin1(_ bytes: some Sequence<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
    return String(text)
}

/// The way back: scalars above U+00FF become "?".
package func bytes(_ text: String) -> [UInt8] { text.unicodeScalars.map { $0.value < 256 ? UInt8($0.value) : UInt8(ascii: "?") } }
