package enum ResponseParse {
    case needMore
    case head(ResponseHead)
    case refused(HTTPError)
}

/// Bytes in, one response head out; as strict as the request side. `requestMethod` decides the framing (HEAD; CONNECT never gets here).
/// For 1xx, 204, 304 and HEAD the framing is `.none`. The caller turns a refusal into 502, whatever its `status`.
package struct ResponseParser {
    private var progress = HeadProgress()

    package init() {}
    package mutating func reset() { progress = HeadProgress() }

    /// - Parameters:
    ///   - bytes: from the first byte of the message; may hold more than the head.
    ///   - fields: filled with the head's fields when the answer is `.head`.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, requestMethod: Method, into fields: FieldTable, limits: HeadLimits
    ) -> ResponseParse {
        let octets = Octets(bytes, limit: limits.window)
        let isFull = bytes.count >= limits.window
        guard progress.isWorthParsing(octets, isFull: isFull) else { return .needMore }
        var head = ResponseHead()
        do throws(HTTPError) {
            if try head.read(octets, requestMethod: requestMethod, into: fields, limits: limits) { return .head(head) }
        } catch {
            return .refused(error)
        }
        guard !isFull else { return .refused(HTTPError(.headTooLarge, status: 431)) }
        progress.wasIncomplete(octets)
        return .needMore
    }
}

extension ResponseHead {
    /// - Returns: false when the head is not complete.
    fileprivate mutating func read(
        _ octets: Octets, requestMethod: Method, into fields: FieldTable, limits: HeadLimits
    ) throws(HTTPError) -> Bool {
        guard try readLine(octets) else { return false }
        var section = FieldSection()
        guard try section.read(octets, from: Int(fieldsStart), into: fields, limit: limits.fields) else { return false }
        length = section.end
        present = section.present
        framing = try Framing.ofResponse(section, minorVersion: minorVersion, status: status, to: requestMethod)
        hasHopByHop = present & FieldName.hopByHop != 0
        isPersistent = minorVersion >= 1
        if has(.connection) {
            var options = ConnectionOptions()
            try options.read(octets, fields)
            isPersistent = !options.isClose && (minorVersion >= 1 || options.isKeepAlive)
            namesFields = options.namesFields
        }
        // RFC 9110 §8.6, RFC 9112 §6.1: a 204 announces no body; one that does may be followed by it.
        let announcesBody = has(.transferEncoding) || section.contentLength > 0
        if framing == .untilClose || (status == 204 && announcesBody) { isPersistent = false }
        return true
    }

    // MARK: - Private

    /// HTTP-version SP 3DIGIT [ SP reason-phrase ] CRLF. RFC 9112 §4 wants the second space always; without reason many leave it out.
    private mutating func readLine(_ octets: Octets) throws(HTTPError) -> Bool {
        guard octets.count > 12 else {
            guard octets.isPrefixOfStatusLine else { throw HTTPError(.malformedStatusLine) }
            return false
        }
        minorVersion = try octets.minorVersion(at: 0, orElse: .malformedStatusLine)
        guard octets[8] == .space else { throw HTTPError(.malformedStatusLine) }
        status = 0
        for index in 9..<12 {
            guard ByteClass.digit.contains(octets[index]) else { throw HTTPError(.malformedStatusLine) }
            status = status &* 10 &+ UInt16(octets[index] &- 0x30)
        }
        guard status >= 100, status <= 599 else { throw HTTPError(.malformedStatusLine) }
        var index = 12
        if octets[index] == .space {
            index = octets.endOfText(from: 13)
            while index < octets.count, octets[index] == .htab { index = octets.endOfText(from: index + 1) }
            guard index < octets.count else { return false }
            reason = ByteRange(start: 13, end: UInt32(index))
        }
        guard octets[index] == .cr else { throw HTTPError(.malformedStatusLine) }
        guard index + 1 < octets.count else { return false }
        guard octets[index + 1] == .lf else { throw HTTPError(.malformedStatusLine) }
        fieldsStart = UInt32(index + 2)
        return true
    }
}

extension Octets {
    /// Whether twelve bytes or fewer can still become a status line as far as the protocol's name goes: an upstream that speaks something
    /// else is found out without waiting for more.
    fileprivate var isPrefixOfStatusLine: Bool {
        let name: StaticString = "HTTP/"
        // SAFETY: the index is below the literal's count.
        for index in 0..<min(count, name.utf8CodeUnitCount) where self[index] != name.utf8Start[index] { return false }
        return true
    }
}
