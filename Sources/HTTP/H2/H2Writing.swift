/// Heads of HTTP/1.1 as field lists of HTTP/2. Pure. The text is that of a head as it would go to a peer of HTTP/1.1: the rewriting of the
/// proxy is done, and is done once for both protocols. So it is known to be well-formed, and is cut, not parsed: what its bytes may be was
/// judged where they came in.
///
/// Left out: connection-specific fields (RFC 9113 §8.2.2; those that a `Connection` named the rewriting has taken out), Host (it is
/// `:authority`), `te` but for trailers.
package enum H2Writing {
    /// - Parameters:
    ///   - text: with its empty line.
    ///   - asWebSocket: the upgrade that it asks for becomes extended CONNECT (RFC 8441); else it is left out and the request a plain one.
    ///   - list: emptied first. SAFETY: it refers to `text` until it has been given to a session.
    /// - Returns: false when this is no such head.
    package static func request(_ text: UnsafeRawBufferPointer, scheme: StaticString, asWebSocket: Bool = false, into list: H2FieldList)
        -> Bool
    {
        list.removeAll()
        let octets = Octets(text)
        let methodEnd = octets.firstIndex(of: .space, from: 0, to: octets.count)
        let pathEnd = octets.firstIndex(of: .space, from: min(methodEnd + 1, octets.count), to: octets.count)
        let lineEnd = octets.firstIndex(of: .cr, from: pathEnd, to: octets.count)
        guard methodEnd > 0, pathEnd > methodEnd + 1, octets[methodEnd + 1] == 0x2f || octets[methodEnd + 1] == 0x2a else { return false }
        if asWebSocket {
            list.add(":method", "CONNECT")
            list.add(":protocol", "websocket")
        } else {
            list.refer(":method", UnsafeRawBufferPointer(rebasing: text[..<methodEnd]))
        }
        list.add(":scheme", scheme)
        let authority = list.reserve()
        list.refer(":path", UnsafeRawBufferPointer(rebasing: text[methodEnd + 1..<pathEnd]))
        var rest = Rest(isTunnel: asWebSocket)
        guard rest.add(octets, text, from: lineEnd + 2, to: list) != nil else { return false }
        list.fill(authority, ":authority", rest.host)
        if rest.acceptsTrailers { list.add("te", "trailers") }
        return true
    }

    /// What a response's text turned out to be.
    package struct Response {
        package var status: UInt16
        /// Bytes of the head, its empty line included.
        package var length: Int
    }

    /// The 101 that granted a WebSocket becomes a 200 (RFC 8441 §5).
    ///
    /// - Parameters:
    ///   - text: begins with a head; a body may follow.
    ///   - list: as with `request`.
    /// - Returns: nil when this is no such head.
    package static func response(_ text: UnsafeRawBufferPointer, into list: H2FieldList) -> Response? {
        list.removeAll()
        let octets = Octets(text)
        guard octets.count > 12 else { return nil }
        var status: UInt16 = 0
        for index in 9..<12 { status = status &* 10 &+ UInt16(octets[index] &- 0x30) }
        guard status >= 100, status <= 999 else { return nil }
        let isTunnel = status == 101
        if isTunnel { list.add(":status", "200") } else { list.refer(":status", UnsafeRawBufferPointer(rebasing: text[9..<12])) }
        // RFC 9110 §8.6: no length in 1xx and 204; a tunnel has no content.
        var rest = Rest(isTunnel: isTunnel, hasNoLength: status < 200 || status == 204)
        let lineEnd = octets.firstIndex(of: .cr, from: 12, to: octets.count)
        guard let length = rest.add(octets, text, from: lineEnd + 2, to: list) else { return nil }
        return Response(status: status, length: length)
    }

    /// The lines of a trailer section that may travel on; copied.
    package static func trailers(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, into list: H2FieldList) {
        list.removeAll()
        guard !range.isEmpty else { return }
        var lines = TrailerLines(bytes, range)
        while let line = lines.next() {
            guard line.mayBeForwarded else { continue }
            let field = slice(bytes, line.line)
            var value = UnsafeRawBufferPointer(rebasing: field[min(field.count, line.name.count + 1)...])
            while let byte = value.first, byte.isWhiteSpace { value = UnsafeRawBufferPointer(rebasing: value.dropFirst()) }
            while let byte = value.last, byte.isWhiteSpace || byte == .cr || byte == .lf {
                value = UnsafeRawBufferPointer(rebasing: value.dropLast())
            }
            list.add(slice(bytes, line.name), value)
        }
    }

    /// The same for trailers that came over HTTP/2.
    package static func trailers(_ head: H2Head, of heads: H2HeadStore, into list: H2FieldList) {
        list.removeAll()
        let octets = Octets(heads.bytes)
        for field in heads.fields(of: head) where TrailerLines.mayBeForwarded(octets, Int(field.start), Int(field.nameLength)) {
            list.add(slice(heads.bytes, field.nameRange), slice(heads.bytes, field.value))
        }
    }

    // MARK: - Private

    /// The field lines of a head.
    private struct Rest {
        let isTunnel: Bool
        var hasNoLength = false
        var host: UnsafeRawBufferPointer?
        var acceptsTrailers = false

        /// - Returns: the index behind the empty line; nil without one.
        @inline(__always)
        mutating func add(_ octets: Octets, _ text: UnsafeRawBufferPointer, from start: Int, to list: H2FieldList) -> Int? {
            var index = start
            while index < octets.count, octets[index] != .cr {
                let colon = octets.firstIndex(of: .colon, from: index, to: octets.count)
                let end = octets.firstIndex(of: .cr, from: colon, to: octets.count)
                guard end < octets.count else { return nil }
                var (first, last) = (colon &+ 1, end)
                while first < last, octets[first].isWhiteSpace { first &+= 1 }
                while last > first, octets[last &- 1].isWhiteSpace { last &-= 1 }
                // SAFETY: all of these are indices of `octets`, which are those of `text`.
                let value = UnsafeRawBufferPointer(rebasing: text[first..<last])
                if Self.mayBeSpecial(octets, index, colon &- index), isDropped(octets, index, colon &- index, value) {
                    index = end &+ 2
                    continue
                }
                list.refer(UnsafeRawBufferPointer(rebasing: text[index..<colon]), value)
                index = end &+ 2
            }
            return index &+ 2 <= octets.count ? index &+ 2 : nil
        }

        /// By length and first letter: nearly all fields are none of those that `isDropped` knows.
        @inline(__always)
        private static func mayBeSpecial(_ octets: Octets, _ start: Int, _ count: Int) -> Bool {
            switch (count, octets[start] | 0x20) {
            case (2, 0x74), (4, 0x68), (7, 0x75), (7, 0x74), (10, 0x63), (10, 0x6b), (14, 0x68), (14, 0x63), (16, 0x70), (17, 0x74),
                (17, 0x73), (20, 0x73):
                true
            default: false
            }
        }

        @inline(never)
        private mutating func isDropped(_ octets: Octets, _ start: Int, _ count: Int, _ value: UnsafeRawBufferPointer) -> Bool {
            switch FieldName.lookup(octets, start: start, count: count) {
            case .host:
                host = value
                return true
            case .te:
                acceptsTrailers = acceptsTrailers || ASCII.equalsIgnoringCase(value, "trailers")
                return true
            case .transferEncoding, .upgrade, .connection, .keepAlive, .proxyConnection, .http2Settings: return true
            case .contentLength: return isTunnel || hasNoLength
            case .other:
                // RFC 8441 §5: the handshake of RFC 6455 has no key; the rest of its fields stay.
                return isTunnel
                    && (octets.tokenEquals("sec-websocket-key", at: start, count: count)
                        || octets.tokenEquals("sec-websocket-accept", at: start, count: count))
            default: return false
            }
        }
    }

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> UnsafeRawBufferPointer {
        precondition(range.start <= range.end && Int(range.end) <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}
