/// Heads of HTTP/1.1 as field lists of HTTP/2. Pure. The bytes are those of a head as it would go to a peer of HTTP/1.1: the rewriting of
/// the proxy is done, and is done once for both protocols.
///
/// Left out: connection-specific fields and those that `Connection` names (RFC 9113 §8.2.2), Host (it is `:authority`), `te` but for
/// trailers.
package enum H2Writing {
    /// - Parameters:
    ///   - head: as `RequestParser` found it in `bytes`, with its `fields`.
    ///   - asWebSocket: the upgrade that it asks for becomes extended CONNECT (RFC 8441); else it is left out and the request a plain one.
    ///   - list: emptied first.
    package static func request(
        _ head: RequestHead, of bytes: UnsafeRawBufferPointer, fields: FieldTable, scheme: StaticString, asWebSocket: Bool = false,
        into list: H2FieldList
    ) {
        list.removeAll()
        let isTunnel = asWebSocket && head.wantsUpgrade
        if isTunnel { list.add(":method", "CONNECT") } else { list.add(":method", slice(bytes, head.methodRange)) }
        if isTunnel { list.add(":protocol", "websocket") }
        list.add(":scheme", scheme)
        if !head.authority.isEmpty { list.add(":authority", slice(bytes, head.authority)) }
        if head.isAsterisk {
            list.add(":path", "*")
        } else if head.pathAndQuery.isEmpty {
            list.add(":path", "/")
        } else {
            addPath(slice(bytes, head.pathAndQuery), to: list)
        }
        for field in fields.all where !isDropped(field, isTunnel: isTunnel, bytes) {
            list.add(slice(bytes, field.nameRange), slice(bytes, field.value))
        }
        if head.acceptsTrailers { list.add("te", "trailers") }
    }

    /// - Parameter status: nil for the head's own; 200 for the 101 that granted a WebSocket (RFC 8441 §5).
    package static func response(
        _ head: ResponseHead, of bytes: UnsafeRawBufferPointer, fields: FieldTable, status: UInt16? = nil, into list: H2FieldList
    ) {
        list.removeAll()
        list.add(status: status ?? head.status)
        // RFC 9110 §8.6: never in 1xx and 204; a tunnel has no content.
        let hasNoLength = head.status < 200 || head.status == 204
        let isTunnel = head.status == 101
        for field in fields.all where !isDropped(field, isTunnel: isTunnel, bytes) {
            if hasNoLength, field.name == .contentLength { continue }
            list.add(slice(bytes, field.nameRange), slice(bytes, field.value))
        }
    }

    /// The lines of a trailer section that may travel on.
    package static func trailers(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, into list: H2FieldList) {
        list.removeAll()
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

    private static func isDropped(_ field: Field, isTunnel: Bool, _ bytes: UnsafeRawBufferPointer) -> Bool {
        if field.isHopByHop { return true }
        switch field.name {
        case .transferEncoding, .host, .te, .upgrade, .connection, .keepAlive, .proxyConnection, .http2Settings: return true
        case .contentLength: return isTunnel
        case .other:
            guard isTunnel else { return false }
            // RFC 8441 §5: the handshake of RFC 6455 has no key; the rest of its fields stay.
            let name = slice(bytes, field.nameRange)
            return ASCII.equalsIgnoringCase(name, "sec-websocket-key") || ASCII.equalsIgnoringCase(name, "sec-websocket-accept")
        default: return false
        }
    }

    private static func addPath(_ path: UnsafeRawBufferPointer, to list: H2FieldList) {
        guard path.first != 0x2f else { return list.add(":path", path) }
        // A query right behind the authority of absolute-form (RFC 3986 §3.3): the path is empty, ":path" is not.
        withUnsafeTemporaryAllocation(byteCount: path.count + 1, alignment: 1) { whole in
            whole[0] = 0x2f
            UnsafeMutableRawBufferPointer(rebasing: whole[1...]).copyMemory(from: path)
            list.add(":path", UnsafeRawBufferPointer(whole))
        }
    }

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> UnsafeRawBufferPointer {
        precondition(range.start <= range.end && Int(range.end) <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}
