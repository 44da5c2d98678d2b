/// Version 1: one line of text, `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443` CRLF (proxy-protocol.txt §2.1).
enum ProxyHeaderLine {
    /// With CRLF.
    static let greatestLength = 107
    private static let opening = Array("PROXY ".utf8)
    private static let unknown = Array("UNKNOWN".utf8)

    /// nil = more bytes are needed.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(ProxyHeaderRefusal) -> ProxyHeader? {
        guard ProxyHeaderParser.agrees(bytes, opening) else { throw .otherProtocol }
        guard let end = try lineEnd(bytes) else { return nil }
        guard end >= opening.count else { throw .malformedLine }
        let words = UnsafeRawBufferPointer(rebasing: bytes[opening.count..<end])
        var header = ProxyHeader(length: end + 2)
        // Whatever follows this word is to be passed over.
        if words.count >= unknown.count, ProxyHeaderParser.agrees(words, unknown) {
            guard words.count == unknown.count || words[unknown.count] == UInt8(ascii: " ") else { throw .malformedLine }
            return header
        }
        (header.source, header.destination) = try addresses(words)
        return header
    }

    // MARK: - Private

    /// Where the CRLF stands; nil = not here yet. A CR or an LF alone ends no line.
    private static func lineEnd(_ bytes: UnsafeRawBufferPointer) throws(ProxyHeaderRefusal) -> Int? {
        let limit = min(bytes.count, greatestLength)
        var at = 0
        while at < limit {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\n") { throw .malformedLine }
            if byte == UInt8(ascii: "\r") {
                guard at + 1 < limit else { break }
                guard bytes[at + 1] == UInt8(ascii: "\n") else { throw .malformedLine }
                return at
            }
            at += 1
        }
        guard limit < greatestLength else { throw .tooLong }
        return nil
    }

    /// `TCP4|TCP6 source destination port port`, each but one space from the next.
    private static func addresses(_ words: UnsafeRawBufferPointer) throws(ProxyHeaderRefusal) -> (SocketAddress, SocketAddress) {
        var rest = words
        let family = takeWord(&rest)
        guard family.count == 4, family.starts(with: "TCP".utf8), let source = SocketAddress(literal: takeWord(&rest)),
            let destination = SocketAddress(literal: takeWord(&rest)), isOf(family[3], source), isOf(family[3], destination),
            let sourcePort = port(takeWord(&rest)), let destinationPort = port(rest)
        else { throw .malformedLine }
        return (source.with(port: sourcePort), destination.with(port: destinationPort))
    }

    /// What stands before the next space, which is passed over; all of it when there is none.
    private static func takeWord(_ rest: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let end = rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.count
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<end])
    }

    private static func isOf(_ family: UInt8, _ address: SocketAddress) -> Bool {
        switch address {
        case .v4: family == UInt8(ascii: "4")
        case .v6: family == UInt8(ascii: "6")
        case .unix: false
        }
    }

    /// 0...65535 without zeros in front.
    private static func port(_ word: UnsafeRawBufferPointer) -> UInt16? {
        guard let first = word.first, word.count <= 5, first != UInt8(ascii: "0") || word.count == 1 else { return nil }
        var value: UInt32 = 0
        for byte in word {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + UInt32(digit)
        }
        return UInt16(exactly: value)
    }
}

extension SocketAddress {
    /// The same host; a Unix address has no port and stays as it is.
    func with(port: UInt16) -> SocketAddress {
        switch self {
        case .v4(let address, _): .v4(address: address, port: port)
        case .v6(let high, let low, _): .v6(high: high, low: low, port: port)
        case .unix: self
        }
    }
}
