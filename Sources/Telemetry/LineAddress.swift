internal import Net

extension LineWriter {
    /// The address without its port: `192.0.2.7`, `2001:db8::1` (RFC 5952), `unix:`. At most `LineRoom.address` bytes.
    mutating func address(_ address: SocketAddress) {
        switch address {
        case .v4(let address, _): withUnsafeBytes(of: address) { dotted($0) }
        case .v6(let high, let low, _): withUnsafeBytes(of: (high, low)) { colons($0) }
        case .unix: literal("unix:")
        }
    }

    private mutating func dotted(_ bytes: UnsafeRawBufferPointer) {
        for index in 0..<4 {
            if index > 0 { byte(UInt8(ascii: ".")) }
            decimal(UInt64(bytes[index]))
        }
    }

    private mutating func colons(_ bytes: UnsafeRawBufferPointer) {
        let isMapped = bytes[0..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        if isMapped {
            literal("::ffff:")
            return dotted(UnsafeRawBufferPointer(rebasing: bytes[12..<16]))
        }
        let zeros = LineWriter.longestZeros(bytes)
        var index = 0
        while index < 8 {
            if index == zeros.lowerBound && !zeros.isEmpty {
                literal("::")
                index = zeros.upperBound
                continue
            }
            if index > 0 && index != zeros.upperBound { byte(UInt8(ascii: ":")) }
            group(UInt16(bytes[index * 2]) << 8 | UInt16(bytes[index * 2 + 1]))
            index += 1
        }
    }

    private mutating func group(_ value: UInt16) {
        var shift = value >= 0x1000 ? 12 : value >= 0x100 ? 8 : value >= 0x10 ? 4 : 0
        while shift >= 0 {
            byte(LineWriter.hex(UInt8(truncatingIfNeeded: value >> UInt16(shift)) & 15, lower: true))
            shift -= 4
        }
    }

    /// The first longest run of two or more zero groups (RFC 5952 §4.2); empty when there is none.
    private static func longestZeros(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0...8 {
            let isZero = index < 8 && bytes[index * 2] == 0 && bytes[index * 2 + 1] == 0
            guard !isZero else { continue }
            if index - start > max(longest.count, 1) { longest = start..<index }
            start = index + 1
        }
        return longest
    }
}
