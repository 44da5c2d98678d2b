/// A byte range of the buffer that was parsed.
package struct ByteRange: Equatable, Sendable {
    package var start: UInt32
    package var end: UInt32
    package var count: Int { Int(end) - Int(start) }
    package var isEmpty: Bool { end <= start }
    package init(start: UInt32 = 0, end: UInt32 = 0) {
        self.start = start
        self.end = end
    }
}

/// How the body of a message is delimited (RFC 9112 §6.3).
package enum BodyFraming: Equatable, Sendable {
    case none
    case length(UInt64)
    case chunked
    /// Responses only.
    case untilClose
}

/// What parsing and policy know of a request; offsets into the bytes given to `RequestParser.parse`.
package struct RequestHead: Sendable {
    /// Bytes of the head, its empty line included (and the empty lines before the request line that RFC 9112 §2.2 has us skip).
    package var length = 0
    package var method = Method.get
    package var methodRange = ByteRange()
    /// The request-target as received.
    package var target = ByteRange()
    /// Path and query in origin-form: what goes upstream. For absolute-form the part behind the authority
    /// (empty when the client left it out: send "/"), for `OPTIONS *` the asterisk.
    package var pathAndQuery = ByteRange()
    /// `pathAndQuery` without the query.
    package var path = ByteRange()
    package var isAbsoluteForm = false
    package var isAsterisk = false
    /// The authority that rules: of absolute-form, else the Host field's value. Empty for a 1.0 request without Host.
    package var authority = ByteRange()
    /// `authority` without the port (brackets of IPv6 kept).
    package var host = ByteRange()
    /// 0 or 1: HTTP/1.x.
    package var minorVersion: UInt8 = 1
    package var framing = BodyFraming.none
    /// The client will reuse the connection (RFC 9112 §9.3).
    package var isPersistent = true
    package var expectsContinue = false
    /// `Upgrade` is present, named by `Connection`, asks for a protocol and not for h2c, and the version is 1.1.
    package var wantsUpgrade = false
    package var acceptsTrailers = false
    /// Start of the first field line.
    package var fieldsStart: UInt32 = 0
    /// Set bits of `1 << FieldName.rawValue` for every recognised field that is present.
    package var present: UInt64 = 0
    /// At least one field is hop-by-hop.
    package var hasHopByHop = false
    /// `Connection` names a field outside the static list. RFC 9110 §7.6.1 wants that name taken from the trailers too; by then the head is
    /// gone, so the trailers of such a message are dropped whole.
    package var namesFields = false

    package init() {}
    package func has(_ name: FieldName) -> Bool { present & (1 << UInt64(name.rawValue)) != 0 }
}

/// What parsing knows of a response.
package struct ResponseHead: Sendable {
    package var length = 0
    package var status: UInt16 = 0
    package var minorVersion: UInt8 = 1
    package var reason = ByteRange()
    package var framing = BodyFraming.none
    /// The upstream will keep the connection.
    package var isPersistent = true
    package var fieldsStart: UInt32 = 0
    package var present: UInt64 = 0
    package var hasHopByHop = false
    /// As in `RequestHead`.
    package var namesFields = false

    package init() {}
    package func has(_ name: FieldName) -> Bool { present & (1 << UInt64(name.rawValue)) != 0 }
}
