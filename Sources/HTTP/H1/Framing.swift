/// The length rules of RFC 9112 §6, alone. What RFC 9112 lets a recipient repair (a list of equal lengths, both fields at once, an empty
/// list element) is refused: a neighbour may have repaired it the other way.
enum Framing {
    /// Content-Length = 1*DIGIT (RFC 9110 §8.6), 19 digits at most and not above `Int64.max`. Nil for anything else.
    static func length(_ octets: Octets, _ value: ByteRange) -> UInt64? {
        guard value.count >= 1, value.count <= 19 else { return nil }
        var length: UInt64 = 0
        for index in Int(value.start)..<Int(value.end) {
            let byte = octets[index]
            guard ByteClass.digit.contains(byte) else { return nil }
            length = length &* 10 &+ UInt64(byte &- 0x30)
        }
        return length <= UInt64(Int64.max) ? length : nil
    }

    /// Passes exactly one `chunked`. A coding that we do not know gets 501 (RFC 9112 §6.1); `chunked` twice, not last, with parameters, or
    /// no coding at all is a message whose end nobody can tell: 400 (§6.3).
    static func checkTransferEncoding(_ octets: Octets, _ value: ByteRange) throws(HTTPError) {
        if octets.equals("chunked", value) { return }
        var tokens = TokenList(octets, value)
        var (chunked, isUnknown) = (0, false)
        var isChunkedLast = false
        while let token = tokens.next() {
            let isToken = octets.endOfToken(from: Int(token.start)) >= Int(token.end)
            isChunkedLast = octets.equals("chunked", token)
            if isChunkedLast { chunked += 1 } else if isToken { isUnknown = true }
            guard isToken else { throw HTTPError(.unsupportedTransferEncoding) }
        }
        guard isUnknown, chunked == 0 || (chunked == 1 && isChunkedLast) else { throw HTTPError(.unsupportedTransferEncoding) }
        throw HTTPError(.unsupportedTransferEncoding, status: 501)
    }

    static func ofRequest(_ section: FieldSection, minorVersion: UInt8) throws(HTTPError) -> BodyFraming {
        if section.present & FieldName.transferEncoding.bit != 0 {
            guard section.present & FieldName.contentLength.bit == 0 else { throw HTTPError(.conflictingFraming) }
            // RFC 9112 §6.1: Transfer-Encoding in a 1.0 message means that its framing is faulty.
            guard minorVersion >= 1 else { throw HTTPError(.unsupportedTransferEncoding) }
            return .chunked
        }
        return section.present & FieldName.contentLength.bit != 0 ? .length(section.contentLength) : .none
    }

    static func ofResponse(_ section: FieldSection, minorVersion: UInt8, status: UInt16, to method: Method) throws(HTTPError) -> BodyFraming
    {
        let framing = try ofRequest(section, minorVersion: minorVersion)
        if method == .head || status < 200 || status == 204 || status == 304 { return .none }
        return framing == .none ? .untilClose : framing
    }
}
