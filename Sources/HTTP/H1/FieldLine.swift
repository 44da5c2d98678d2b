/// field-line CRLF of RFC 9112 §5, as indices. The one place where a field's bytes are judged: heads and trailers both come here.
struct FieldLine {
    var start: Int
    var nameLength: Int
    /// The value without the white space around it.
    var valueStart: Int
    var valueEnd: Int
    /// One past the CRLF.
    var end: Int

    /// Nil when the line is not complete. A name is a token right before its colon (white space there: RFC 9112 §5.1 wants 400); a folded
    /// line (§5.2) shows as a name that begins with white space; CR, LF, NUL and the other controls but HTAB have no place in a value.
    @inline(__always)
    init?(_ octets: Octets, at index: Int) throws(HTTPError) {
        let colon = octets.endOfToken(from: index)
        guard colon &- index <= Int(UInt16.max) else { throw HTTPError(.headTooLarge, status: 431) }
        guard colon < octets.count else { return nil }
        guard colon > index, octets[colon] == .colon else { throw HTTPError(.malformedField) }
        var first = colon &+ 1
        while first < octets.count, octets[first].isWhiteSpace { first &+= 1 }
        var stop = octets.endOfText(from: first)
        while stop < octets.count, octets[stop] == .htab { stop = octets.endOfText(from: stop &+ 1) }
        guard stop < octets.count else { return nil }
        guard octets[stop] == .cr else { throw HTTPError(.malformedField) }
        guard stop &+ 1 < octets.count else { return nil }
        guard octets[stop &+ 1] == .lf else { throw HTTPError(.malformedField) }
        start = index
        nameLength = colon &- index
        valueStart = first
        end = stop &+ 2
        while stop > first, octets[stop &- 1].isWhiteSpace { stop &-= 1 }
        valueEnd = stop
    }
}
