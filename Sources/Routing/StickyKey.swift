/// A key that Sluice made for a client without one: 128 random bits, as text base64url (RFC 4648 §5) without padding.
package struct StickyKey: Sendable, Equatable {
    package static let textLength = 22
    private let high: UInt64
    private let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From the kernel's generator; nobody can guess another's.
    static func random() -> StickyKey {
        var source = SystemRandomNumberGenerator()
        return StickyKey(high: source.next(), low: source.next())
    }

    package func withText<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        var text: (UInt64, UInt64, UInt64) = (0, 0, 0)
        return withUnsafeMutableBytes(of: &text) { buffer in
            var (high, low) = (high, low)
            for index in 0..<Self.textLength {
                buffer[index] = Self.letter(UInt8(truncatingIfNeeded: high >> 58))
                high = high << 6 | low >> 58
                low <<= 6
            }
            return body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<Self.textLength]))
        }
    }

    private static func letter(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: value + UInt8(ascii: "A")
        case 26..<52: value - 26 + UInt8(ascii: "a")
        case 52..<62: value - 52 + UInt8(ascii: "0")
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }
}
