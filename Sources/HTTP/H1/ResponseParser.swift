package enum ResponseParse {
    case needMore
    case head(ResponseHead)
    case refused(HTTPError)
}

/// Bytes in, one response head out; as strict as the request side. `requestMethod` decides the framing (HEAD; CONNECT never gets here).
/// For 1xx, 204, 304 and HEAD the framing is `.none`.
package struct ResponseParser {
    package init() {}
    package mutating func reset() {}

    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, requestMethod: Method, into fields: FieldTable, limits: HeadLimits
    ) -> ResponseParse {
        .refused(HTTPError(.malformedStatusLine))
    }
}
