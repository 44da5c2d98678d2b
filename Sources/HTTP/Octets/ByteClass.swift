/// A set of ASCII bytes as two words, so that membership is a shift and no table has to be in the cache.
package struct ByteClass: Sendable {
    private let low: UInt64
    private let high: UInt64

    @inline(__always)
    init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    @inline(__always)
    package func contains(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? low : high
        return byte < 128 && (word >> UInt64(byte & 63)) & 1 == 1
    }

    /// tchar of RFC 9110 §5.6.2: ``!#$%&'*+-.^_`|~``, digits, letters.
    package static var token: ByteClass {
        @inline(__always) get { ByteClass(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }
    }

    /// unreserved and sub-delims of RFC 3986 §2 without the comma, which would make a list of a Host value: `!$&'()*+-.;=_~`, digits, letters.
    package static var registeredName: ByteClass {
        @inline(__always) get { ByteClass(low: 0x2bff_6fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }
    }

    package static var digit: ByteClass {
        @inline(__always) get { ByteClass(low: 0x03ff_0000_0000_0000, high: 0) }
    }

    package static var hexDigit: ByteClass {
        @inline(__always) get { ByteClass(low: 0x03ff_0000_0000_0000, high: 0x0000_007e_0000_007e) }
    }
}

extension UInt8 {
    static var htab: UInt8 { 0x09 }
    static var lf: UInt8 { 0x0a }
    static var cr: UInt8 { 0x0d }
    static var space: UInt8 { 0x20 }
    static var colon: UInt8 { 0x3a }
    static var comma: UInt8 { 0x2c }

    /// SP or HTAB (RFC 9110 §5.6.3).
    @inline(__always)
    var isWhiteSpace: Bool { self == .space || self == .htab }

    /// May stand in a field value or a reason phrase: everything but CTL, HTAB allowed (RFC 9110 §5.5).
    @inline(__always)
    var isFieldText: Bool { (self >= 0x20 && self != 0x7f) || self == .htab }
}

/// ASCII case on bytes; never Unicode's.
package enum ASCII {
    @inline(__always)
    package static func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    /// Equal but for the case of ASCII letters.
    package static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == other.count else { return false }
        let (left, right) = (Octets(bytes), Octets(other))
        for index in 0..<left.count where lowercased(left[index]) != lowercased(right[index]) { return false }
        return true
    }

    /// Equal but for the case of ASCII letters.
    package static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ literal: StaticString) -> Bool {
        equalsIgnoringCase(bytes, UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
}
