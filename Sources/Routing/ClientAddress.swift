package import HTTP
package import Net

extension Snapshot {
    /// Who the client is to rules and sticky keys: the peer, or where the peer is in `trusted_proxies` the nearest hop before it that is not,
    /// read from the end of `X-Forwarded-For`, or of `Forwarded` (RFC 7239) where there is no such field. When all hops are trusted, the first
    /// of them; an unnamed one (`unknown`, `_hidden`) is a client without an address. Allocates nothing.
    package func client(of peer: SocketAddress, _ bytes: UnsafeRawBufferPointer, head: borrowing RequestHead, fields: FieldTable)
        -> SocketAddress
    {
        let name: FieldName = head.has(.xForwardedFor) ? .xForwardedFor : .forwarded
        guard head.has(name), isTrusted(peer) else { return peer }
        var client = peer
        let fields = fields.all
        for field in fields.reversed() where field.name == name {
            var hops = RequestView.slice(bytes, field.valueStart, field.valueEnd)
            while let hop = Self.takeLast(&hops) {
                let text = name == .forwarded ? Self.forNode(hop) : hop
                guard let address = Self.address(text) else { return .unix(path: nil) }
                client = address
                guard isTrusted(address) else { return client }
            }
        }
        return client
    }

    // MARK: - Private

    /// The last element of a comma-separated list, without blanks; empty ones are passed over (RFC 9110 §5.6.1.2).
    private static func takeLast(_ list: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        while !list.isEmpty {
            var start = list.count
            while start > 0, list[start - 1] != UInt8(ascii: ",") { start -= 1 }
            let element = trimmed(UnsafeRawBufferPointer(rebasing: list[start...]))
            list = UnsafeRawBufferPointer(rebasing: list[..<max(0, start - 1)])
            if !element.isEmpty { return element }
        }
        return nil
    }

    /// The value of `for` in an element of `Forwarded`, without quotes; empty when there is none.
    private static func forNode(_ element: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var start = 0
        while start < element.count {
            var end = start
            while end < element.count, element[end] != UInt8(ascii: ";") { end += 1 }
            let pair = trimmed(UnsafeRawBufferPointer(rebasing: element[start..<end]))
            start = end + 1
            guard pair.count > 4, pair[3] == UInt8(ascii: "="),
                ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: pair[..<3]), "for")
            else { continue }
            let value = UnsafeRawBufferPointer(rebasing: pair[4...])
            guard value.count >= 2, value[0] == UInt8(ascii: "\""), value[value.count - 1] == UInt8(ascii: "\"") else { return value }
            return UnsafeRawBufferPointer(rebasing: value[1..<value.count - 1])
        }
        return RequestView.nothing
    }

    /// `192.0.2.7`, `192.0.2.7:80`, `2001:db8::7`, `[2001:db8::7]`, `[2001:db8::7]:80`; the port does not count.
    private static func address(_ text: UnsafeRawBufferPointer) -> SocketAddress? {
        guard let first = text.first else { return nil }
        if first == UInt8(ascii: "[") {
            guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            return SocketAddress(literal: UnsafeRawBufferPointer(rebasing: text[1..<close]))
        }
        let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
        let isAlone = !text[min(colon + 1, text.count)...].contains(UInt8(ascii: ":"))
        return SocketAddress(literal: isAlone ? UnsafeRawBufferPointer(rebasing: text[..<colon]) : text)
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var (start, end) = (0, bytes.count)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<end])
    }
}
