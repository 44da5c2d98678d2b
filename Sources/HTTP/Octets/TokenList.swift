/// The elements of a comma-separated list (RFC 9110 §5.6.1), each without surrounding white space; empty elements are passed over, as a
/// recipient must. Quoted strings are not known here: only for lists whose elements hold none (Connection, Upgrade, TE, Transfer-Encoding).
package struct TokenList {
    private let octets: Octets
    private var index: Int
    private let end: Int

    /// - Parameter range: of the list in `bytes`; cut to them.
    package init(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) { self.init(Octets(bytes), range) }

    @inline(__always)
    init(_ octets: Octets, _ range: ByteRange) {
        self.octets = octets
        end = min(Int(range.end), octets.count)
        index = Int(range.start)
    }

    /// The next element, nil behind the last.
    package mutating func next() -> ByteRange? {
        while index < end {
            let comma = octets.firstIndex(of: .comma, from: index, to: end)
            var (first, last) = (index, comma)
            index = comma &+ 1
            while first < last, octets[first].isWhiteSpace { first &+= 1 }
            while first < last, octets[last &- 1].isWhiteSpace { last &-= 1 }
            if first < last { return ByteRange(start: UInt32(first), end: UInt32(last)) }
        }
        return nil
    }
}
