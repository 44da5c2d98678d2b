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
    /// Compares in the widest steps that fit, the last one overlapping.
    func tokenEquals(_ literal: StaticString, at start: Int, count length: Int) -> Bool {
        guard length == literal.utf8CodeUnitCount, literal.hasPointerRepresentation else { return false }
        precondition(length >= 0 && start >= 0 && start <= count &- length)
        guard length > 0, let base else { return length == 0 }
        let (ours, theirs) = (base + start, UnsafeRawPointer(literal.utf8Start))
        // SAFETY: both sides have `length` bytes, checked above, and no step reads behind them.
        if length >= 8 { return Self.foldedEquals(ours, theirs, length, step: UInt64.self) }
        if length >= 4 { return Self.foldedEquals(ours, theirs, length, step: UInt32.self) }
        if length >= 2 { return Self.foldedEquals(ours, theirs, length, step: UInt16.self) }
        return Self.foldedEquals(ours, theirs, length, step: UInt8.self)
    }

    @inline(__always)
    private static func foldedEquals<Step: FixedWidthInteger>(
        _ ours: UnsafeRawPointer, _ theirs: UnsafeRawPointer, _ length: Int, step: Step.Type
    ) -> Bool {
        let (width, fold) = (Step.bitWidth / 8, Step(truncatingIfNeeded: UInt64.everyByte(0x20)))
        @inline(__always)
        func differs(at offset: Int) -> Bool {
            ours.loadUnaligned(fromByteOffset: offset, as: Step.self) | fold != theirs.loadUnaligned(fromByteOffset: offset, as: Step.self)
        }
        var offset = 0
        while offset &+ width <= length {
            if differs(at: offset) { return false }
            offset &+= width
        }
        return offset == length || !differs(at: length &- width)
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
