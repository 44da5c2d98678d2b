internal import HTTP
internal import Net

/// What of a request for a WebSocket (RFC 6455 §4.1) matters to one that goes out over HTTP/2.
enum WebSocketRequest {
    /// It asks for that protocol, and no other.
    static func isOne(_ fields: FieldTable, of bytes: UnsafeRawBufferPointer) -> Bool {
        guard let value = value(.upgrade, fields, bytes) else { return false }
        return ASCII.equalsIgnoringCase(value, "websocket")
    }

    /// The client's key; empty without one.
    static func key(_ fields: FieldTable, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        for field in fields.all where field.name == .other {
            guard let name = slice(field.nameRange, bytes), ASCII.equalsIgnoringCase(name, "sec-websocket-key") else { continue }
            return slice(field.value, bytes) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private static func value(_ name: FieldName, _ fields: FieldTable, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        for field in fields.all where field.name == name { return slice(field.value, bytes) }
        return nil
    }

    private static func slice(_ range: ByteRange, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard range.start <= range.end, Int(range.end) <= bytes.count else { return nil }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}
