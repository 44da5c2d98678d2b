internal import HTTP
internal import Net
internal import Routing

/// Writes the request head as it goes upstream (DESIGN §5.4): our own version, hop-by-hop fields out, forwarded fields in, everything else as
/// the client wrote it, byte for byte and in its order.
///
/// Runs of kept fields are copied whole; a request without anything to drop is one copy and a few lines behind it.
enum RequestRewriter {
    static func write(_ exchange: Exchange, fields: FieldTable, to out: inout HeadWriter) {
        let bytes = exchange.headBytes
        let head = exchange.head
        guard let route = exchange.route else { return }
        let isTrusted = exchange.worker.snapshot.isTrusted(exchange.clientAddress)
        let dropped = droppedNames(exchange, head, route, isTrusted: isTrusted)
        putRequestLine(head, route, bytes, to: &out)
        putHost(exchange, route, bytes, to: &out)
        putKeptFields(head, route, fields, bytes, dropped: dropped, to: &out)
        ForwardedFields.write(exchange, fields: fields, isTrusted: isTrusted, to: &out)
        putConnection(exchange, fields, bytes, to: &out)
        if !route.requestEdits.lines.isEmpty { out.put(route.requestEdits.lines) }
        out.put("\r\n")
    }

    // MARK: - Private

    /// Bits of `FieldName`: what never travels on as it is.
    private static func droppedNames(_ exchange: Exchange, _ head: RequestHead, _ route: Route, isTrusted: Bool) -> UInt64 {
        var names = bit(.via) | bit(.xForwardedFor) | bit(.forwarded)
        if head.method == .options || head.method == .trace { names |= bit(.maxForwards) }
        if !isTrusted { names |= bit(.xForwardedProto) | bit(.xForwardedHost) | bit(.xRequestId) }
        // RFC 9440 §3.1: who believes these must not read a client's own words. What is left beside them is a trusted proxy's.
        if !isTrusted || exchange.asksForClientCertificate { names |= bit(.clientCert) | bit(.clientCertChain) }
        if head.isAbsoluteForm || !route.rewriteHost.isEmpty { names |= bit(.host) }
        if head.minorVersion == 0 { names |= bit(.expect) }
        return names
    }

    static func bit(_ name: FieldName) -> UInt64 { 1 << UInt64(name.rawValue) }

    private static func putRequestLine(_ head: RequestHead, _ route: Route, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter) {
        out.put(head.methodRange, of: bytes)
        out.put(UInt8(ascii: " "))
        // RFC 9112 §3.2.4: also for an absolute-form OPTIONS without a path.
        if head.isAsterisk { return out.put("* HTTP/1.1\r\n") }
        var path = head.pathAndQuery
        let strip = UInt32(clamping: route.stripPrefixLength)
        if strip > 0, strip <= head.path.count { path.start += strip }
        let first = Int(path.start) < bytes.count && !path.isEmpty ? bytes[Int(path.start)] : 0
        if first != UInt8(ascii: "/") { out.put(UInt8(ascii: "/")) }
        out.put(path, of: bytes)
        out.put(" HTTP/1.1\r\n")
    }

    /// In front, as RFC 9110 §7.2 asks, where it is not among the kept fields.
    private static func putHost(_ exchange: Exchange, _ route: Route, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter) {
        let head = exchange.head
        if !route.rewriteHost.isEmpty {
            out.put("Host: ")
            out.put(route.rewriteHost)
        } else if head.isAbsoluteForm {
            out.put("Host: ")
            out.put(head.authority, of: bytes)
        } else if !head.has(.host) {
            // A 1.0 client without one; a 1.1 request upstream must have it.
            out.put("Host: ")
            if let target = exchange.target { out.put(target.text.bytes) }
        } else {
            return
        }
        out.put("\r\n")
    }

    private static func putKeptFields(
        _ head: RequestHead, _ route: Route, _ fields: FieldTable, _ bytes: UnsafeRawBufferPointer, dropped: UInt64,
        to out: inout HeadWriter
    ) {
        let end = UInt32(clamping: head.length - 2)
        guard head.hasHopByHop || head.present & dropped != 0 || !route.requestEdits.dropped.isEmpty else {
            return out.put(ByteRange(start: head.fieldsStart, end: end), of: bytes)
        }
        KeptFields.write(fields, of: bytes, from: head.fieldsStart, to: end, dropped: dropped, edits: route.requestEdits, out: &out)
    }

    private static func putConnection(_ exchange: Exchange, _ fields: FieldTable, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter)
    {
        let head = exchange.head
        if head.wantsUpgrade {
            KeptFields.writeOnly(.upgrade, fields, of: bytes, out: &out)
            out.put("Connection: Upgrade\r\n")
        } else if head.acceptsTrailers {
            out.put("TE: trailers\r\nConnection: TE\r\n")
        }
    }
}

/// Copies the fields of a head that travel on.
enum KeptFields {
    static func write(
        _ fields: FieldTable, of bytes: UnsafeRawBufferPointer, from start: UInt32, to end: UInt32, dropped: UInt64, edits: CompiledEdits,
        out: inout HeadWriter
    ) {
        var run = start
        for index in 0..<fields.count {
            let field = fields[index]
            let drops =
                field.isHopByHop || dropped & RequestRewriter.bit(field.name) != 0
                || (!edits.dropped.isEmpty && removes(edits, field, bytes))
            if drops {
                if run < field.start { out.put(ByteRange(start: run, end: field.start), of: bytes) }
                run = field.end
            }
        }
        if run < end { out.put(ByteRange(start: run, end: end), of: bytes) }
    }

    /// Lines of one name, as they are.
    static func writeOnly(_ name: FieldName, _ fields: FieldTable, of bytes: UnsafeRawBufferPointer, out: inout HeadWriter) {
        for index in 0..<fields.count where fields[index].name == name {
            out.put(ByteRange(start: fields[index].start, end: fields[index].end), of: bytes)
        }
    }

    private static func removes(_ edits: CompiledEdits, _ field: Field, _ bytes: UnsafeRawBufferPointer) -> Bool {
        let start = Int(field.start)
        guard start + Int(field.nameLength) <= bytes.count else { return false }
        let name = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(field.nameLength)])
        for dropped in edits.dropped where dropped.count == name.count {
            if dropped.withUnsafeBytes({ ASCII.equalsIgnoringCase(name, $0) }) { return true }
        }
        return false
    }
}
