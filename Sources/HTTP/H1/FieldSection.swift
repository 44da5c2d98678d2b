/// Reads field lines (RFC 9112 §5) and keeps what framing and routing need of them. One pass; what is wrong is found in the order of the
/// bytes, so that a head that comes in pieces gets the verdict of the whole.
struct FieldSection {
    var present: UInt64 = 0
    var contentLength: UInt64 = 0
    var host = ByteRange()
    var acceptsTrailers = false
    var expectsContinue = false
    /// One past the empty line.
    var end = 0

    /// - Returns: false when the section is not complete.
    @inline(__always)
    mutating func read(_ octets: Octets, from start: Int, into fields: FieldTable, limit: Int) throws(HTTPError) -> Bool {
        fields.removeAll()
        var index = start
        while index < octets.count {
            if octets[index] == .cr {
                guard index + 1 < octets.count else { return false }
                guard octets[index + 1] == .lf else { throw HTTPError(.malformedField) }
                end = index + 2
                return true
            }
            guard fields.count < limit else { throw HTTPError(.tooManyFields, status: 431) }
            guard let line = try FieldLine(octets, at: index) else { return false }
            let name = FieldName.lookup(octets, start: index, count: line.nameLength)
            let field = Field(
                start: UInt32(index), nameLength: UInt16(line.nameLength), name: name,
                valueStart: UInt32(line.valueStart), valueEnd: UInt32(line.valueEnd), end: UInt32(line.end))
            guard fields.append(field) else { throw HTTPError(.tooManyFields, status: 431) }
            if name != .other { try note(name, octets, field.value) }
            index = line.end
        }
        return false
    }

    // MARK: - Private

    private mutating func note(_ name: FieldName, _ octets: Octets, _ value: ByteRange) throws(HTTPError) {
        let isRepeated = present & name.bit != 0
        present |= name.bit
        switch name {
        case .contentLength:
            guard !isRepeated, let length = Framing.length(octets, value) else { throw HTTPError(.invalidContentLength) }
            contentLength = length
        case .transferEncoding:
            guard !isRepeated else { throw HTTPError(.unsupportedTransferEncoding) }
            try Framing.checkTransferEncoding(octets, value)
        case .host:
            guard !isRepeated else { throw HTTPError(.duplicateHost) }
            host = value
        case .expect:
            var tokens = TokenList(octets, value)
            while let token = tokens.next() { expectsContinue = expectsContinue || octets.equals("100-continue", token) }
        case .te:
            var tokens = TokenList(octets, value)
            while let token = tokens.next() { acceptsTrailers = acceptsTrailers || octets.equals("trailers", token) }
        default: break
        }
    }
}
