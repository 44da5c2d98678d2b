internal import HTTP
internal import Net
internal import TLS

/// A WebSocket over one stream (RFC 8441): its handshake towards an upstream of HTTP/1.1 has a key that the proxy makes, and whose answer it
/// judges, since the client has neither.
struct H2WebSocket {
    /// The value of `Sec-WebSocket-Key`.
    let key: [UInt8]
    /// What the upstream must answer with.
    private let accept: [UInt8]

    /// For `:protocol`; nil when that is another than "websocket".
    init?(_ name: UnsafeRawBufferPointer) {
        guard ASCII.equalsIgnoringCase(name, "websocket") else { return nil }
        var random = SystemRandomNumberGenerator()
        key = Base64.text((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &random) })
        accept = key.withUnsafeBytes { WebSocketAccept.text($0) }
    }

    /// The upstream's 101 is an answer to our key.
    /// - Parameter bytes: the head, whose fields are in `fields`.
    func isAnswered(by bytes: UnsafeRawBufferPointer, _ fields: FieldTable) -> Bool {
        var found = 0
        for field in fields.all where field.name == .other {
            guard ASCII.equalsIgnoringCase(slice(bytes, field.nameRange), "sec-websocket-accept") else { continue }
            guard slice(bytes, field.value).elementsEqual(accept) else { return false }
            found += 1
        }
        return found == 1
    }

    private func slice(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> UnsafeRawBufferPointer {
        precondition(range.start <= range.end && Int(range.end) <= bytes.count)
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}
