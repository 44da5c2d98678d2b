/// Text of peers inside a line. What need not be escaped is moved eight bytes at a time.
extension LineWriter {
    /// Inside a JSON string: `"` and `\` get a backslash; control bytes and bytes that are not UTF-8 are written `\u00XX`, so that every
    /// line is valid JSON whatever a peer sent.
    /// - Parameter limit: bytes written at most; longer text is cut and ends in `…`.
    mutating func json(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        if bytes.count &* LineRoom.growth <= limit {
            copy(bytes, isDirty: LineWriter.jsonDirt, escape: LineWriter.escapeJSON)
        } else {
            copyCut(bytes, limit: limit, escape: LineWriter.escapeJSON)
        }
    }

    /// As nginx does in its `combined` format: `"`, `\`, control bytes and bytes from 0x7F on are written `\xXX`.
    mutating func quoted(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        if bytes.count &* LineRoom.growth <= limit {
            copy(bytes, isDirty: LineWriter.quotedDirt, escape: LineWriter.escapeQuoted)
        } else {
            copyCut(bytes, limit: limit, escape: LineWriter.escapeQuoted)
        }
    }

    // MARK: - Private

    /// Writes what begins at an index that may need escaping; returns how many bytes of the source that was.
    private typealias Escape = (inout LineWriter, UnsafeRawBufferPointer, Int) -> Int

    @inline(__always)
    private mutating func copy(_ bytes: UnsafeRawBufferPointer, isDirty: (UInt64) -> UInt64, escape: Escape) {
        guard let start = bytes.baseAddress else { return }
        let count = bytes.count
        var index = 0
        while count &- index >= 8 {
            let value = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let dirt = isDirty(value)
            let clean = dirt.trailingZeroBitCount >> 3
            word(value, keeping: clean)
            index &+= clean
            if dirt != 0 { index &+= escape(&self, bytes, index) }
        }
        while index < count {
            // The last bytes, with clean ones in the place of those that are not there.
            let rest = count &- index
            let value = LineWriter.tail(start + index, rest)
            let dirt = isDirty(value)
            let clean = dirt.trailingZeroBitCount >> 3
            word(value, keeping: min(clean, rest))
            if dirt == 0 { return }
            index &+= clean
            index &+= escape(&self, bytes, index)
        }
    }

    /// The slow way, for text that may not fit: one character at a time.
    @inline(never)
    private mutating func copyCut(_ bytes: UnsafeRawBufferPointer, limit: Int, escape: Escape) {
        // The longest escape and the mark of the cut must still fit.
        let end = cursor + (limit - LineRoom.growth - 3)
        var index = 0
        while index < bytes.count {
            if cursor > end {
                literal("…")
                return
            }
            index += escape(&self, bytes, index)
        }
    }

    /// One to seven bytes, low end first, filled up with letters.
    @inline(__always)
    private static func tail(_ start: UnsafeRawPointer, _ count: Int) -> UInt64 {
        let filler: UInt64 = 0x6161_6161_6161_6161
        var value: UInt64
        if count >= 4 {
            let low = UInt64(UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)))
            let high = UInt64(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)))
            value = low | high << UInt64((count &- 4) &* 8)
        } else {
            value = UInt64(start.load(as: UInt8.self))
            value |= UInt64(start.load(fromByteOffset: count >> 1, as: UInt8.self)) << UInt64((count >> 1) &* 8)
            value |= UInt64(start.load(fromByteOffset: count &- 1, as: UInt8.self)) << UInt64((count &- 1) &* 8)
        }
        return value | filler << UInt64(count &* 8)
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The top bit of the lowest byte that may need escaping is set, lower bits are clear; above it bits may be set that mean nothing.
    @inline(__always)
    private static func jsonDirt(_ value: UInt64) -> UInt64 {
        let quote = (value ^ 0x2222_2222_2222_2222) &- ones
        let backslash = (value ^ 0x5C5C_5C5C_5C5C_5C5C) &- ones
        let control = value &- 0x2020_2020_2020_2020
        return (value | quote | backslash | control) & tops
    }

    @inline(__always)
    private static func quotedDirt(_ value: UInt64) -> UInt64 {
        let delete = (value ^ 0x7F7F_7F7F_7F7F_7F7F) &- ones
        return jsonDirt(value) | (delete & tops)
    }

    @inline(never)
    private static func escapeJSON(_ line: inout LineWriter, _ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            line.byte(UInt8(ascii: "\\"))
            line.byte(byte)
        case 0x20..<0x80: line.byte(byte)
        default:
            let length = byte < 0x20 ? 0 : UTF8Sequence.length(bytes, at: index)
            if length > 0 {
                line.verbatim(UnsafeRawBufferPointer(rebasing: bytes[index..<index + length]))
                return length
            }
            line.literal("\\u00")
            line.hexadecimal(byte, lower: true)
        }
        return 1
    }

    @inline(never)
    private static func escapeQuoted(_ line: inout LineWriter, _ bytes: UnsafeRawBufferPointer, _ index: Int) -> Int {
        let byte = bytes[index]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x7F...0xFF:
            line.literal("\\x")
            line.hexadecimal(byte, lower: false)
        default: line.byte(byte)
        }
        return 1
    }
}

/// Which bytes from 0x80 on are UTF-8 (RFC 3629 §4: no overlong form, no surrogate, nothing above U+10FFFF).
enum UTF8Sequence {
    /// Length of the sequence that begins at `index` with a byte of 0x80 or more: 2, 3 or 4; 0 when it is not valid.
    static func length(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Int {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch bytes[index] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard bytes.count - index >= length, second.contains(bytes[index + 1]) else { return 0 }
        return bytes[index + 2..<index + length].allSatisfy { $0 & 0xC0 == 0x80 } ? length : 0
    }
}
