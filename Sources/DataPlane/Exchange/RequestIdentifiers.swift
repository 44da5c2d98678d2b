/// Request ids: UUID version 7 (RFC 9562 §5.7), so that they sort by time. One generator per loop, seeded by the kernel.
struct RequestIdentifiers {
    private var state: (UInt64, UInt64)

    init() {
        var source = SystemRandomNumberGenerator()
        state = (source.next() | 1, source.next())
    }

    /// - Parameter wall: nanoseconds since 1970.
    mutating func next(wall: Int64) -> RequestIdentifier {
        let a = random()
        let b = random()
        let milliseconds = UInt64(bitPattern: wall / 1_000_000)
        return RequestIdentifier(high: milliseconds << 16 | 0x7000 | a & 0x0fff, low: b & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000)
    }

    /// xoroshiro128+ (Blackman and Vigna 2018): unguessable is not asked for, distinct is.
    private mutating func random() -> UInt64 {
        let (a, b) = state
        let mixed = a ^ b
        state = ((a << 24 | a >> 40) ^ mixed ^ (mixed << 16), mixed << 37 | mixed >> 27)
        return a &+ b
    }
}

struct RequestIdentifier: Equatable {
    static let length = 36
    var high: UInt64 = 0
    var low: UInt64 = 0

    func write(to out: inout HeadWriter) {
        guard let space = out.space(atLeast: Self.length) else { return }
        write(to: space)
        out.advance(Self.length)
    }

    /// `buffer` holds at least `length` bytes.
    func write(to buffer: UnsafeMutableRawBufferPointer) {
        var at = 0
        put(high, into: buffer, at: &at)
        put(low, into: buffer, at: &at)
    }

    private func put(_ word: UInt64, into buffer: UnsafeMutableRawBufferPointer, at position: inout Int) {
        for digit in 0..<16 {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                buffer[position] = 45
                position += 1
            }
            let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - digit * 4)) & 15
            buffer[position] = nibble < 10 ? 48 + nibble : 87 + nibble
            position += 1
        }
    }
}
