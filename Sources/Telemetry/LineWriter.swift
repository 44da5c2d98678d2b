/// Writes the pieces of a log line to memory: bytes, decimals, addresses. No String, no allocation.
///
/// The caller proves beforehand that the line fits (`LineRoom`); here nothing is checked, because this runs for every request.
struct LineWriter {
    private(set) var cursor: UnsafeMutablePointer<UInt8>

    init(at start: UnsafeMutablePointer<UInt8>) { cursor = start }

    @inline(__always)
    mutating func literal(_ text: StaticString) {
        let count = text.utf8CodeUnitCount
        cursor.update(from: text.utf8Start, count: count)
        cursor += count
    }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        cursor.pointee = value
        cursor += 1
    }

    @inline(__always)
    mutating func verbatim(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        UnsafeMutableRawPointer(cursor).copyMemory(from: start, byteCount: bytes.count)
        cursor += bytes.count
    }

    /// Eight bytes at once; only the first `count` stay.
    @inline(__always)
    mutating func word(_ value: UInt64, keeping count: Int) {
        UnsafeMutableRawPointer(cursor).storeBytes(of: value.littleEndian, as: UInt64.self)
        cursor += count
    }

    mutating func decimal(_ value: UInt64) {
        if value < 10 {
            byte(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value))
            return
        }
        let count = LineWriter.digits(value)
        var rest = value
        var place = UnsafeMutableRawPointer(cursor + count)
        cursor += count
        while rest >= 100 {
            let quotient = rest / 100
            place -= 2
            place.storeBytes(of: LineWriter.pair(rest &- quotient &* 100), as: UInt16.self)
            rest = quotient
        }
        if rest >= 10 {
            (place - 2).storeBytes(of: LineWriter.pair(rest), as: UInt16.self)
        } else {
            (place - 1).storeBytes(of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        }
    }

    /// Exactly `count` digits, zeros in front; higher digits are cut.
    @inline(__always)
    mutating func decimal(_ value: UInt32, digits count: Int) {
        var rest = value
        for place in stride(from: count - 1, through: 0, by: -1) {
            cursor[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        cursor += count
    }

    @inline(__always)
    mutating func hexadecimal(_ value: UInt8, lower: Bool) {
        byte(LineWriter.hex(value >> 4, lower: lower))
        byte(LineWriter.hex(value & 15, lower: lower))
    }

    @inline(__always)
    static func hex(_ nibble: UInt8, lower: Bool) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: lower ? "a" : "A") + nibble - 10
    }

    // MARK: - Private

    private static let pairs: StaticString = """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// The two digits of a value under 100 as they stand in memory.
    @inline(__always)
    private static func pair(_ value: UInt64) -> UInt16 {
        UnsafeRawPointer(pairs.utf8Start).loadUnaligned(fromByteOffset: Int(truncatingIfNeeded: value) &* 2, as: UInt16.self)
    }

    @inline(__always)
    private static func digits(_ value: UInt64) -> Int {
        if value < 100 { return 2 }
        if value < 1_000 { return 3 }
        if value < 10_000 { return 4 }
        if value < 100_000 { return 5 }
        if value < 1_000_000 { return 6 }
        var count = 7
        var bound: UInt64 = 10_000_000
        while count < 20 && value >= bound {
            count += 1
            bound = bound.multipliedReportingOverflow(by: 10).partialValue
        }
        return count
    }
}
