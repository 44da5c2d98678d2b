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
///
/// Where the RFC leaves a choice, the stricter one is taken:
/// - HTTP/1.2 to 1.9 are refused (505), though RFC 9110 §2.5 would allow to read them as 1.1: nobody sends them but scanners.
/// - Host in 1.1 is mandatory and single (RFC 9112 §3.2) and not empty: RFC 9110 §7.2 wants an empty Host only "if the authority
///   component is missing or undefined for the target URI", and §4.2.1 has an http URI without host rejected as invalid.
/// - Leading empty lines (RFC 9112 §2.2) are skipped, CRLF only, four at most.
/// - A method of more than 32 bytes gets 501 (RFC 9112 §3).
package struct RequestParser {
    private var progress = HeadProgress()

    package init() {}
    package mutating func reset() { progress = HeadProgress() }

    /// - Parameters:
    ///   - bytes: from the first byte of the message; may hold more than the head.
    ///   - fields: filled with the head's fields when the answer is `.head`.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, into fields: FieldTable, limits: HeadLimits) -> RequestParse {
        let octets = Octets(bytes, limit: limits.window)
        let isFull = bytes.count >= limits.window
        guard progress.isWorthParsing(octets, isFull: isFull) else { return .needMore }
        var head = RequestHead()
        do throws(HTTPError) {
            if try head.read(octets, into: fields, limits: limits) { return .head(head) }
        } catch {
            return .refused(error)
        }
        guard !isFull else {
            return .refused(head.fieldsStart == 0 ? HTTPError(.targetTooLong, status: 414) : HTTPError(.headTooLarge, status: 431))
        }
        progress.wasIncomplete(octets)
        return .needMore
    }
}

extension HeadLimits {
    /// Offsets are 32 bits wide.
    var window: Int { max(0, min(bytes, Int(UInt32.max))) }
}

extension RequestHead {
    private static var maximumEmptyLines: Int { 4 }
    private static var maximumMethodLength: Int { 32 }

    /// - Returns: false when the head is not complete.
    fileprivate mutating func read(_ octets: Octets, into fields: FieldTable, limits: HeadLimits) throws(HTTPError) -> Bool {
        guard let start = try Self.skipEmptyLines(octets), try readLine(octets, from: start) else { return false }
        var section = FieldSection()
        guard try section.read(octets, from: Int(fieldsStart), into: fields, limit: limits.fields) else { return false }
        length = section.end
        present = section.present
        try readHost(octets, section)
        framing = try Framing.ofRequest(section, minorVersion: minorVersion)
        acceptsTrailers = section.acceptsTrailers
        // RFC 9110 §10.1.1: an expectation in a 1.0 request is ignored.
        expectsContinue = section.expectsContinue && minorVersion >= 1
        isPersistent = minorVersion >= 1
        hasHopByHop = present & FieldName.hopByHop != 0
        if has(.connection) { try readConnection(octets, fields) }
        return true
    }

    // MARK: - Private

    private static func skipEmptyLines(_ octets: Octets) throws(HTTPError) -> Int? {
        var index = 0
        while index < octets.count {
            guard octets[index] == .cr else { return index }
            guard index + 1 < octets.count else { return nil }
            guard octets[index + 1] == .lf, index < 2 * maximumEmptyLines else { throw HTTPError(.malformedRequestLine) }
            index += 2
        }
        return nil
    }

    /// method SP request-target SP HTTP-version CRLF, single spaces. False when the line is not complete.
    private mutating func readLine(_ octets: Octets, from start: Int) throws(HTTPError) -> Bool {
        let methodEnd = octets.endOfToken(from: start)
        guard methodEnd - start <= Self.maximumMethodLength else { throw HTTPError(.malformedRequestLine, status: 501) }
        guard methodEnd < octets.count else { return false }
        guard methodEnd > start, octets[methodEnd] == .space else { throw HTTPError(.malformedRequestLine) }
        let targetStart = methodEnd + 1
        let targetEnd = octets.endOfTarget(from: targetStart)
        guard targetEnd < octets.count else { return false }
        guard targetEnd > targetStart, octets[targetEnd] == .space else { throw HTTPError(.malformedRequestLine) }
        guard targetEnd + 10 < octets.count else { return false }
        minorVersion = try octets.minorVersion(at: targetEnd + 1, orElse: .malformedRequestLine)
        guard octets[targetEnd + 9] == .cr, octets[targetEnd + 10] == .lf else { throw HTTPError(.malformedRequestLine) }
        methodRange = ByteRange(start: UInt32(start), end: UInt32(methodEnd))
        method = Method.lookup(octets, start: start, count: methodEnd - start)
        target = ByteRange(start: UInt32(targetStart), end: UInt32(targetEnd))
        fieldsStart = UInt32(targetEnd + 11)
        try readTarget(octets)
        return true
    }

    /// RFC 9112 §3.2: a 1.1 request has exactly one Host and it is valid, also where the target's authority then rules (§3.2.2).
    private mutating func readHost(_ octets: Octets, _ section: FieldSection) throws(HTTPError) {
        guard has(.host) else {
            guard minorVersion == 0 else { throw HTTPError(.missingHost) }
            return
        }
        let name = try Authority.host(octets, section.host)
        guard authority.isEmpty else { return }
        authority = section.host
        host = name
    }

    private mutating func readConnection(_ octets: Octets, _ fields: FieldTable) throws(HTTPError) {
        var options = ConnectionOptions()
        try options.read(octets, fields)
        isPersistent = !options.isClose && (minorVersion >= 1 || options.isKeepAlive)
        namesFields = options.namesFields
        if options.isUpgrade && has(.upgrade) && minorVersion >= 1 { wantsUpgrade = Self.hasUpgrade(octets, fields) }
    }

    /// A protocol is asked for and none of them is h2c, which RFC 9113 §3.1 took away.
    private static func hasUpgrade(_ octets: Octets, _ fields: FieldTable) -> Bool {
        var hasProtocol = false
        for field in fields.all where field.name == .upgrade {
            var tokens = TokenList(octets, field.value)
            while let token = tokens.next() {
                if octets.equals("h2c", token) { return false }
                hasProtocol = true
            }
        }
        return hasProtocol
    }
}

extension Octets {
    /// HTTP-version (RFC 9112 §2.3), case-sensitive. Eight bytes must be there.
    func minorVersion(at index: Int, orElse malformed: HTTPError.Reason) throws(HTTPError) -> UInt8 {
        switch word(at: index) {
        case 0x312e_312f_5054_5448: return 1
        case 0x302e_312f_5054_5448: return 0
        case let other:
            let isVersion =
                other & 0x0000_00ff_ffff_ffff == 0x0000_002f_5054_5448 && ByteClass.digit.contains(self[index + 5])
                && self[index + 6] == 0x2e && ByteClass.digit.contains(self[index + 7])
            throw isVersion ? HTTPError(.unsupportedVersion, status: 505) : HTTPError(malformed)
        }
    }
}
