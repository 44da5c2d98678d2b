internal import HTTP
internal import Net
internal import Routing

/// What we tell the upstream about the hop before us: `X-Forwarded-*`, `Forwarded` (RFC 7239), `Via` (RFC 9110 §7.6.3), `X-Request-Id`,
/// `Max-Forwards`, and the certificate that the client showed (RFC 9440).
///
/// Lists are one field each, what came before in front. What a client that is not in `trusted_proxies` says of hops before it
/// (`X-Forwarded-*`, `Forwarded`, `X-Request-Id`) is replaced by ours; `Via` is always continued.
enum ForwardedFields {
    static func write(_ exchange: Exchange, fields: FieldTable, isTrusted: Bool, to out: inout HeadWriter) {
        let head = exchange.head
        let bytes = exchange.headBytes
        let isSecure = exchange.isSecure
        putList("X-Forwarded-For: ", isTrusted ? .xForwardedFor : .other, head, fields, bytes, to: &out)
        putClient(exchange.clientAddress, to: &out)
        if !(isTrusted && head.has(.xForwardedProto)) {
            out.put(isSecure ? "\r\nX-Forwarded-Proto: https" : "\r\nX-Forwarded-Proto: http")
        }
        if !(isTrusted && head.has(.xForwardedHost)), !head.authority.isEmpty {
            out.put("\r\nX-Forwarded-Host: ")
            out.put(head.authority, of: bytes)
        }
        out.put("\r\n")
        putList("Forwarded: ", isTrusted ? .forwarded : .other, head, fields, bytes, to: &out)
        putForwardedElement(exchange.clientAddress, head, bytes, isSecure: isSecure, to: &out)
        out.put("\r\n")
        putClientCertificate(exchange, to: &out)
        putList("Via: ", .via, head, fields, bytes, to: &out)
        let isHTTP2 = exchange.downstream?.isHTTP2 == true
        out.put(isHTTP2 ? "2.0 sluice\r\n" : head.minorVersion == 1 ? "1.1 sluice\r\n" : "1.0 sluice\r\n")
        if !(isTrusted && head.has(.xRequestId)) {
            out.put("X-Request-Id: ")
            exchange.identifier.write(to: &out)
            out.put("\r\n")
        }
        putMaxForwards(exchange, fields, bytes, to: &out)
    }

    /// `Max-Forwards` of an OPTIONS or TRACE request; nil when it is absent or not a number (then it is dropped).
    static func forwardsLeft(in exchange: Exchange) -> UInt64? {
        let fields = exchange.worker.requestFields
        let bytes = exchange.headBytes
        for index in 0..<fields.count where fields[index].name == .maxForwards {
            var value: UInt64 = 0
            let range = exchange.slice(ByteRange(start: fields[index].valueStart, end: fields[index].valueEnd), of: bytes)
            guard !range.isEmpty, range.count <= 9 else { return nil }
            for byte in range {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + UInt64(byte - 48)
            }
            return value
        }
        return nil
    }

    // MARK: - Private

    /// The name, and the values that are there already, joined; `.other` = none are believed.
    private static func putList(
        _ line: StaticString, _ name: FieldName, _ head: RequestHead, _ fields: FieldTable, _ bytes: UnsafeRawBufferPointer,
        to out: inout HeadWriter
    ) {
        out.put(line)
        guard name != .other, head.has(name) else { return }
        for index in 0..<fields.count where fields[index].name == name && !fields[index].isHopByHop {
            let value = ByteRange(start: fields[index].valueStart, end: fields[index].valueEnd)
            if value.isEmpty { continue }
            out.put(value, of: bytes)
            out.put(", ")
        }
    }

    private static func putClient(_ client: SocketAddress, to out: inout HeadWriter) {
        guard let space = out.space(atLeast: 64) else { return }
        out.advance(client.writeHost(into: space))
    }

    private static func putForwardedElement(
        _ client: SocketAddress, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer, isSecure: Bool, to out: inout HeadWriter
    ) {
        out.put("for=")
        switch client {
        case .v4: putClient(client, to: &out)
        case .v6:
            out.put("\"[")
            putClient(client, to: &out)
            out.put("]\"")
        case .unix: out.put("unknown")
        }
        if !head.authority.isEmpty {
            out.put(";host=\"")
            out.put(head.authority, of: bytes)
            out.put(UInt8(ascii: "\""))
        }
        out.put(isSecure ? ";proto=https" : ";proto=http")
    }

    /// What the handshake has verified (RFC 9440 §2.2). The chain is not told.
    private static func putClientCertificate(_ exchange: Exchange, to out: inout HeadWriter) {
        guard let downstream = exchange.downstream, !downstream.client.certificate.isEmpty else { return }
        out.put("Client-Cert: ")
        out.put(downstream.client.certificate)
        out.put("\r\n")
    }

    private static func putMaxForwards(
        _ exchange: Exchange, _ fields: FieldTable, _ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter
    ) {
        let head = exchange.head
        guard head.has(.maxForwards), head.method == .options || head.method == .trace, let left = forwardsLeft(in: exchange), left > 0
        else {
            return
        }
        out.put("Max-Forwards: ")
        out.put(decimal: left - 1)
        out.put("\r\n")
    }
}
