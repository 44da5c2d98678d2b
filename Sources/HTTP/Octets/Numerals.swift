/// Numbers as they stand in heads and size lines, written without a String.
package enum Numerals {
    /// Decimal digits of `value` to the front of `buffer`.
    ///
    /// - Returns: the number of bytes, 20 at most; 0 when the buffer is too small.
    package static func writeDecimal(_ value: UInt64, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        var (count, rest) = (1, value / 10)
        while rest > 0 {
            count += 1
            rest /= 10
        }
        guard count <= buffer.count else { return 0 }
        rest = value
        for index in stride(from: count - 1, through: 0, by: -1) {
            buffer[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        return count
    }

    /// Lower-case hexadecimal digits of `value` without leading zeros, as in a chunk's size.
    ///
    /// - Returns: the number of bytes, 16 at most; 0 when the buffer is too small.
    package static func writeHexadecimal(_ value: UInt64, to buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = max(1, (64 - value.leadingZeroBitCount + 3) / 4)
        guard count <= buffer.count else { return 0 }
        for index in 0..<count {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64((count - 1 - index) * 4)) & 0xf
            buffer[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
        }
        return count
    }
}
