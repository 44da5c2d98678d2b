internal import HTTP

/// Writes a head into memory of the loop's that is large enough for every head within limits; what would not fit is left out and
/// `isOverfull` says so, since edits and forwarded fields come on top of what a peer sent.
struct HeadWriter {
    private let base: UnsafeMutableRawPointer
    private let capacity: Int
    private(set) var count = 0
    private(set) var isOverfull = false

    init(_ memory: UnsafeMutableRawBufferPointer) {
        base = memory.baseAddress.unsafelyUnwrapped
        capacity = memory.count
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    mutating func put(_ source: UnsafeRawBufferPointer) {
        guard let from = source.baseAddress, reserve(source.count) else { return }
        (base + count).copyMemory(from: from, byteCount: source.count)
        count += source.count
    }

    mutating func put(_ text: StaticString) {
        put(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func put(_ source: [UInt8]) {
        source.withUnsafeBytes { put($0) }
    }

    mutating func put(_ byte: UInt8) {
        guard reserve(1) else { return }
        base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    mutating func put(_ range: ByteRange, of source: UnsafeRawBufferPointer) {
        guard range.start <= range.end, Int(range.end) <= source.count else {
            isOverfull = true
            return
        }
        put(UnsafeRawBufferPointer(rebasing: source[Int(range.start)..<Int(range.end)]))
    }

    mutating func put(decimal value: UInt64) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { buffer in
            var at = buffer.count
            var rest = value
            repeat {
                at -= 1
                buffer[at] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0
            put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[at...]))
        }
    }

    /// Lower-case hexadecimal, `digits` wide at least.
    mutating func put(hex value: UInt64, digits: Int = 1) {
        var shift = max(digits * 4, 64 - value.leadingZeroBitCount)
        shift = (shift + 3) & ~3
        while shift > 0 {
            shift -= 4
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
            put(nibble < 10 ? 48 + nibble : 87 + nibble)
        }
    }

    /// The free memory behind what was written; `advance` makes it count.
    mutating func space(atLeast size: Int) -> UnsafeMutableRawBufferPointer? {
        guard reserve(size) else { return nil }
        return UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
    }

    mutating func advance(_ written: Int) {
        precondition(written >= 0 && written <= capacity - count)
        count += written
    }

    /// Forgets everything from `length` on.
    mutating func rewind(to length: Int) {
        precondition(length >= 0 && length <= count)
        count = length
    }

    @inline(__always)
    private mutating func reserve(_ size: Int) -> Bool {
        if size <= capacity - count { return true }
        isOverfull = true
        return false
    }
}
