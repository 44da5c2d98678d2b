/// What RFC 9113 §8 asks of a head beyond what the library has checked (names in lower case, pseudo-header fields first, single and of
/// their kind, no connection-specific field, `te` only with trailers, content-length against DATA, no control characters).
enum H2Rules {
    static func isMalformed(_ head: H2Head, _ heads: H2HeadStore) -> Bool {
        if head.status != 0 { return false }
        let octets = Octets(heads.bytes)
        // §8.3.1: a request with both says the same in both. (Default ports are not supplied: clients send the two alike.)
        if head.has(.host), !head.authority.isEmpty, !octets.equalAuthorities(head.host, head.authority) { return true }
        if octets.equals("CONNECT", exactly: head.method) {
            // RFC 8441 §4: the library knows :protocol only where it was offered.
            return head.protocol.isEmpty ? !head.path.isEmpty || !head.scheme.isEmpty : head.authority.isEmpty
        }
        return !head.protocol.isEmpty || !(octets.equals("http", head.scheme) || octets.equals("https", head.scheme))
    }
}

extension Octets {
    fileprivate func equalAuthorities(_ left: ByteRange, _ right: ByteRange) -> Bool {
        guard left.count == right.count else { return false }
        for offset in 0..<left.count
        where ASCII.lowercased(self[Int(left.start) &+ offset]) != ASCII.lowercased(self[Int(right.start) &+ offset]) { return false }
        return true
    }

    /// The bytes of `range` are those of `literal`, case too.
    func equals(_ literal: StaticString, exactly range: ByteRange) -> Bool {
        guard range.count == literal.utf8CodeUnitCount, literal.hasPointerRepresentation else { return false }
        // SAFETY: the offset is below the literal's count, which is the range's.
        for offset in 0..<range.count where self[Int(range.start) &+ offset] != literal.utf8Start[offset] { return false }
        return true
    }
}
