package struct HeadLimits: Sendable {
    package var bytes: Int
    package var fields: Int
    package init(bytes: Int, fields: Int) {
        self.bytes = bytes
        self.fields = fields
    }
}

package enum RequestParse {
    /// The head is not complete; call again with the same bytes and more behind them.
    case needMore
    case head(RequestHead)
    case refused(HTTPError)
}

/// Bytes in, one request head out (RFC 9112 §2–6). Sans-I/O. Holds only how far an incomplete head was looked through, so that a client
/// that dribbles bytes costs linear time; `reset()` between messages.
package struct RequestParser {
    package init() {}
    package mutating func reset() {}

    /// - Parameters:
    ///   - bytes: from the first byte of the message; may hold more than the head.
    ///   - fields: filled with the head's fields when the answer is `.head`.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, into fields: FieldTable, limits: HeadLimits) -> RequestParse {
        .refused(HTTPError(.malformedRequestLine))
    }
}
