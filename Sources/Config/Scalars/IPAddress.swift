/// An IP address literal as bytes, network byte order: four for IPv4, sixteen for IPv6.
struct IPAddress: Equatable {
    var bytes: [UInt8]

    /// Dotted decimal with exactly four parts, without leading zeros (they were octal once), or RFC 4291 §2.2 text without a zone.
    init?(_ text: some StringProtocol) {
        guard let bytes = text.utf8.contains(UInt8(ascii: ":")) ? Self.v6(text) : Self.v4(text) else { return nil }
        self.bytes = bytes
    }

    /// One spelling for each address: RFC 5952 for IPv6.
    var canonicalText: String {
        guard bytes.count == 16 else { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
        let gap = Self.longestZeroRun(groups)
        let head = Self.hex(groups[..<gap.lowerBound])
        return gap.isEmpty ? Self.hex(groups[...]) : "\(head)::\(Self.hex(groups[gap.upperBound...]))"
    }

    // MARK: - Private

    private static func v4(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.count <= 3, part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            guard let value = wholeNumber(part), let byte = UInt8(exactly: value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func v6(_ text: some StringProtocol) -> [UInt8]? {
        let whole = Array(text.utf8)
        guard whole.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        guard let gap = whole.indices.dropLast().first(where: { whole[$0] == colon && whole[$0 + 1] == colon }) else {
            guard let bytes = groups(whole[...]), bytes.count == 16 else { return nil }
            return bytes
        }
        let head = whole[..<gap]
        let tail = whole[(gap + 2)...]
        // A dotted quad may only stand at the very end.
        guard !head.contains(UInt8(ascii: ".")), let head = groups(head), let tail = groups(tail) else { return nil }
        guard head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups between single colons, the last of which may be a dotted quad; empty for nothing.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let quad = v4(String(decoding: part, as: UTF8.self)) else { return nil }
                bytes += quad
            } else {
                guard (1...4).contains(part.count), !part.contains(UInt8(ascii: "+")), !part.contains(UInt8(ascii: "-")) else { return nil }
                guard let group = UInt16(String(decoding: part, as: UTF8.self), radix: 16) else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
            }
        }
        return bytes
    }

    /// The first of the longest runs of at least two zero groups; empty at the end when there is none.
    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var longest = groups.count..<groups.count
        var start = 0
        while start < groups.count {
            let end = groups[start...].firstIndex { $0 != 0 } ?? groups.count
            if end - start >= 2, end - start > longest.count { longest = start..<end }
            start = end + 1
        }
        return longest
    }

    private static func hex(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
}

extension AddressBlock {
    /// `10.0.0.0/8`, `fd00::/8`, or a single address.
    static func parse(_ text: String) throws(ScalarError) -> AddressBlock {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else {
            throw ScalarError("\(quoted(text)) is not an IP address or CIDR block", hint: "write 192.0.2.7, 10.0.0.0/8 or fd00::/8")
        }
        let bits = address.bytes.count * 8
        guard parts.count == 2 else { return AddressBlock(bytes: address.bytes, prefixLength: bits) }
        guard let length = wholeNumber(parts[1].utf8).flatMap({ Int(exactly: $0) }), length <= bits else {
            throw ScalarError("\(quoted(text)) needs a prefix length from 0 to \(bits)")
        }
        var network = address
        for index in network.bytes.indices {
            let kept = min(8, max(0, length - index * 8))
            network.bytes[index] &= UInt8(truncatingIfNeeded: 0xff00 >> kept)
        }
        guard network == address else {
            throw ScalarError("\(quoted(text)) has bits set behind its prefix", hint: "write \(network.canonicalText)/\(length)")
        }
        return AddressBlock(bytes: network.bytes, prefixLength: length)
    }
}
