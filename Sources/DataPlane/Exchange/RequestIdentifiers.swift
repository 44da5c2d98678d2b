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
        precondition(buffer.count >= Self.length)
        func put(_ digits: UInt64, _ place: Int) { buffer.storeBytes(of: digits.bigEndian, toByteOffset: place, as: UInt64.self) }
        // From the front, each part over the rest of the one before it: 8-4-4-4-12.
        put(Self.digits(high >> 32), 0)
        let (second, third) = (Self.digits(high & 0xffff_ffff), Self.digits(low >> 32))
        let dash: UInt64 = 0x2d << 56
        put(dash | second >> 8, 8)
        put(dash | (second << 32) >> 8 | 0x2d << 16, 13)
        put(dash | third >> 8, 18)
        put(dash | (third << 32) >> 8 | 0x2d << 16, 23)
        put(Self.digits(low & 0xffff_ffff), 28)
    }

    /// Eight hexadecimal digits of the lower half, the first in the highest byte: all at once.
    private static func digits(_ word: UInt64) -> UInt64 {
        var spread = (word << 16 & 0x0000_ffff_0000_0000) | (word & 0xffff)
        spread = (spread << 8 & 0x00ff_0000_00ff_0000) | (spread & 0x0000_00ff_0000_00ff)
        spread = (spread << 4 & 0x0f00_0f00_0f00_0f00) | (spread & 0x000f_000f_000f_000f)
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
    }
}
