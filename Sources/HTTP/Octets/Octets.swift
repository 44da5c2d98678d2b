/// A view of received bytes whose every read is checked, in release builds too: a wrong index is our own mistake and stops the
/// process instead of reading a neighbour's memory. (`UnsafeRawBufferPointer` checks in debug builds only.)
struct Octets {
    private let base: UnsafeRawPointer?
    let count: Int

    /// - Parameter limit: bytes behind it are not seen.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, limit: Int = .max) {
        base = bytes.baseAddress
        count = base == nil ? 0 : max(0, min(bytes.count, limit))
    }

    @inline(__always)
    subscript(index: Int) -> UInt8 {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: the index was checked against the count, which is 0 without a base.
        return base.unsafelyUnwrapped.load(fromByteOffset: index, as: UInt8.self)
    }

    /// The bytes from `index` on, as a view of its own.
    func suffix(from index: Int, limit: Int) -> Octets {
        precondition(index >= 0 && index <= count)
        return Octets(UnsafeRawBufferPointer(start: base.map { $0 + index }, count: count &- index), limit: limit)
    }

    /// True when eight bytes can be read at `index`.
    @inline(__always)
    func hasWord(at index: Int) -> Bool { index >= 0 && index <= count &- 8 }

    /// Eight bytes, the first in the lowest eight bits.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        precondition(hasWord(at: index))
        // SAFETY: `hasWord` was checked on the line before.
        return UInt64(littleEndian: base.unsafelyUnwrapped.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// Up to eight bytes from `index`, as `word(at:)` with zeros above them.
    @inline(__always)
    func word(at index: Int, count length: Int) -> UInt64 {
        if length >= 8 { return word(at: index) }
        if length <= 0 { return 0 }
        if hasWord(at: index) { return word(at: index) & (1 << (UInt64(length) &* 8) &- 1) }
        var word: UInt64 = 0
        for offset in 0..<length { word |= UInt64(self[index &+ offset]) << (UInt64(offset) &* 8) }
        return word
    }

    /// The bytes at `start` are those of `literal` (lower case, ASCII), letters compared without case; `length` bytes on our side.
    ///
    /// Only for bytes known to be of a token: folding with 0x20 is exact among token characters and `literal`s of letters, digits and "-".
    @inline(__always)
    func tokenEquals(_ literal: StaticString, at start: Int, count length: Int) -> Bool {
        guard length == literal.utf8CodeUnitCount else { return false }
        var offset = 0
        while length &- offset >= 8 {
            guard word(at: start &+ offset) | .everyByte(0x20) == literal.word(at: offset) else { return false }
            offset &+= 8
        }
        if offset == length { return true }
        if length >= 8 { return word(at: start &+ length &- 8) | .everyByte(0x20) == literal.word(at: length &- 8) }
        let mask: UInt64 = 1 << (UInt64(length) &* 8) &- 1
        return (word(at: start, count: length) | .everyByte(0x20)) & mask == literal.partialWord
    }

    /// The bytes of `range` are those of `literal` (lower case, ASCII), letters compared without case. For any bytes, on rare paths.
    func equals(_ literal: StaticString, _ range: ByteRange) -> Bool {
        guard range.count == literal.utf8CodeUnitCount, literal.hasPointerRepresentation else { return false }
        for offset in 0..<range.count {
            // SAFETY: the offset is below the literal's count, which is the range's.
            guard ASCII.lowercased(self[Int(range.start) &+ offset]) == literal.utf8Start[offset] else { return false }
        }
        return true
    }
}

extension UInt64 {
    /// A word with the same byte eight times.
    @inline(__always)
    static func everyByte(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }
}

extension StaticString {
    @inline(__always)
    fileprivate func word(at offset: Int) -> UInt64 {
        precondition(hasPointerRepresentation && offset >= 0 && offset <= utf8CodeUnitCount &- 8)
        // SAFETY: checked on the line before.
        return UInt64(littleEndian: UnsafeRawPointer(utf8Start).loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// A literal of less than eight bytes, zeros above.
    @inline(__always)
    fileprivate var partialWord: UInt64 {
        precondition(hasPointerRepresentation && utf8CodeUnitCount < 8)
        var word: UInt64 = 0
        // SAFETY: offsets stay below the literal's count.
        for offset in 0..<utf8CodeUnitCount { word |= UInt64(utf8Start[offset]) << (UInt64(offset) &* 8) }
        return word
    }
}
