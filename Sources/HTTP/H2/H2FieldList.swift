internal import CNghttp2

/// Fields to be sent, as the library wants them. Used again and again, one per loop; confined to it.
package final class H2FieldList {
    // Plain memory: a request has some twenty fields, and an array would be asked with each whether it is shared.
    @exclusivity(unchecked) private var pairs = UnsafeMutableBufferPointer<nghttp2_nv>(start: nil, count: 0)
    @exclusivity(unchecked) package private(set) var count = 0
    /// Copies of what does not last.
    @exclusivity(unchecked) private var text = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) private var used = 0
    /// Former `text`s, into which pairs still point.
    @exclusivity(unchecked) private var outgrown: [UnsafeMutableRawBufferPointer] = []

    package init() {}

    deinit {
        removeAll()
        pairs.deallocate()
        text.deallocate()
    }

    package var isEmpty: Bool { count == 0 }

    package func removeAll() {
        (count, used) = (0, 0)
        guard !outgrown.isEmpty else { return }
        for piece in outgrown { piece.deallocate() }
        outgrown = []
    }

    /// Copies both.
    package func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) { refer(copy(name), copy(value)) }

    /// - Parameter name: in lower case.
    package func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) { refer(Self.bytes(name), copy(value)) }

    package func add(_ name: StaticString, _ value: StaticString) { refer(Self.bytes(name), Self.bytes(value)) }

    /// `:status`, three digits.
    package func add(status: UInt16) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            add(":status", UnsafeRawBufferPointer(rebasing: digits[..<Numerals.writeDecimal(UInt64(status), to: digits)]))
        }
    }

    /// Copies nothing.
    ///
    /// SAFETY: both stay as they are until the list has been given to a session, which copies them, or is emptied.
    @inline(__always)
    func refer(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        if count == pairs.count { grow() }
        // The library writes to none of these; it puts its copy of the name in lower case.
        pairs[count] = nghttp2_nv(
            name: Self.mutable(name), value: Self.mutable(value), namelen: name.count, valuelen: value.count,
            flags: UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NONE.rawValue))
        count += 1
    }

    func refer(_ name: StaticString, _ value: UnsafeRawBufferPointer) { refer(Self.bytes(name), value) }

    /// A place for a field that is known later, or never.
    func reserve() -> Int {
        refer(UnsafeRawBufferPointer(start: nil, count: 0), UnsafeRawBufferPointer(start: nil, count: 0))
        return count - 1
    }

    /// - Parameter value: as with `refer`; nil = there is none, and the place goes.
    func fill(_ place: Int, _ name: StaticString, _ value: UnsafeRawBufferPointer?) {
        precondition(place >= 0 && place < count)
        let name = Self.bytes(name)
        if let value {
            pairs[place] = nghttp2_nv(
                name: Self.mutable(name), value: Self.mutable(value), namelen: name.count, valuelen: value.count,
                flags: UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NONE.rawValue))
        } else {
            for index in place + 1..<count { pairs[index - 1] = pairs[index] }
            count -= 1
        }
    }

    /// Name and value at `index`, for tests and logs.
    package func text(at index: Int) -> (name: String, value: String) {
        precondition(index >= 0 && index < count)
        let pair = pairs[index]
        return (
            String(decoding: UnsafeBufferPointer(start: pair.name, count: pair.namelen).map(ASCII.lowercased), as: UTF8.self),
            String(decoding: UnsafeBufferPointer(start: pair.value, count: pair.valuelen), as: UTF8.self)
        )
    }

    /// The fields as the library wants them; it copies them.
    @inline(__always)
    func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        body(UnsafePointer(pairs.baseAddress), count)
    }

    // MARK: - Keeping for later

    /// A copy in one piece of memory, to be given to `restore`, and to `drop` in the end.
    func keep() -> UnsafeMutableRawPointer {
        let lengths = MemoryLayout<Int>.stride * (1 + 2 * count)
        let size = pairs[..<count].reduce(lengths) { $0 + $1.namelen + $1.valuelen }
        let piece = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        piece.storeBytes(of: count, as: Int.self)
        var (length, end) = (piece + 8, piece + lengths)
        for pair in pairs[..<count] {
            for (bytes, count) in [(pair.name, pair.namelen), (pair.value, pair.valuelen)] {
                length.storeBytes(of: count, as: Int.self)
                if let bytes { end.copyMemory(from: bytes, byteCount: count) }
                (length, end) = (length + 8, end + count)
            }
        }
        return piece
    }

    /// Fills the list with what `keep` kept.
    ///
    /// SAFETY: the piece is dropped when the list has been given away.
    func restore(_ piece: UnsafeMutableRawPointer) {
        removeAll()
        let count = piece.load(as: Int.self)
        var (length, end) = (UnsafeRawPointer(piece + 8), UnsafeRawPointer(piece + 8 + 16 * count))
        func next() -> UnsafeRawBufferPointer {
            // SAFETY: written by `keep`, with these counts in front.
            let bytes = UnsafeRawBufferPointer(start: end, count: length.load(as: Int.self))
            (length, end) = (length + 8, end + bytes.count)
            return bytes
        }
        for _ in 0..<count {
            let name = next()
            refer(name, next())
        }
    }

    static func drop(_ piece: UnsafeMutableRawPointer) { piece.deallocate() }

    // MARK: - Private

    @inline(__always)
    private static func bytes(_ literal: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    }

    @inline(__always)
    private static func mutable(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutablePointer<UInt8>? {
        UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }

    private func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        if text.count - used < bytes.count {
            if used > 0 { outgrown.append(text) } else { text.deallocate() }
            text = .allocate(byteCount: max(1024, text.count * 2, bytes.count), alignment: 16)
            used = 0
        }
        let place = UnsafeMutableRawBufferPointer(rebasing: text[used..<used + bytes.count])
        place.copyMemory(from: bytes)
        used += bytes.count
        return UnsafeRawBufferPointer(place)
    }

    private func grow() {
        let larger = UnsafeMutableBufferPointer<nghttp2_nv>.allocate(capacity: max(32, pairs.count * 2))
        _ = larger.initialize(from: pairs[..<count])
        pairs.deallocate()
        pairs = larger
    }
}
