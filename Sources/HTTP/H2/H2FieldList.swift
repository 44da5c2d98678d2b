internal import CNghttp2

/// Fields to be sent, gathered in one buffer. Used again and again, one per loop; confined to it.
package final class H2FieldList {
    private struct Entry {
        var nameStart: Int
        var nameCount: Int
        var valueCount: Int
    }

    @exclusivity(unchecked) private var text: [UInt8] = []
    @exclusivity(unchecked) private var entries: [Entry] = []
    @exclusivity(unchecked) private var pairs: [nghttp2_nv] = []

    package init() {
        text.reserveCapacity(2048)
        entries.reserveCapacity(32)
        pairs.reserveCapacity(32)
    }

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    package func removeAll() {
        text.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    /// - Parameter name: put in lower case.
    package func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let start = text.count
        for byte in name { text.append(ASCII.lowercased(byte)) }
        text.append(contentsOf: value)
        entries.append(Entry(nameStart: start, nameCount: name.count, valueCount: value.count))
    }

    /// - Parameter name: in lower case.
    package func add(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        add(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value)
    }

    package func add(_ name: StaticString, _ value: StaticString) {
        add(name, UnsafeRawBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    /// `:status`, three digits.
    package func add(status: UInt16) {
        withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
            add(":status", UnsafeRawBufferPointer(rebasing: digits[..<Numerals.writeDecimal(UInt64(status), to: digits)]))
        }
    }

    /// Name and value at `index`, for tests and logs.
    package func text(at index: Int) -> (name: String, value: String) {
        let entry = entries[index]
        let valueStart = entry.nameStart + entry.nameCount
        return (
            String(decoding: text[entry.nameStart..<valueStart], as: UTF8.self),
            String(decoding: text[valueStart..<valueStart + entry.valueCount], as: UTF8.self)
        )
    }

    /// The fields as the library wants them; it copies them.
    func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        pairs.removeAll(keepingCapacity: true)
        return text.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return body(nil, 0) }
            for entry in entries {
                // SAFETY: entries lie within the text. The library does not write through these.
                pairs.append(
                    nghttp2_nv(
                        name: base + entry.nameStart, value: base + entry.nameStart + entry.nameCount, namelen: entry.nameCount,
                        valuelen: entry.valueCount, flags: UInt8(truncatingIfNeeded: NGHTTP2_NV_FLAG_NONE.rawValue)))
            }
            return pairs.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }

    // MARK: - Keeping for later

    /// A copy in one piece of memory, to be given to `restore` or `drop`.
    func keep() -> UnsafeMutableRawPointer {
        let stride = MemoryLayout<Int>.stride * 3
        let size = MemoryLayout<Int>.stride * 2 + entries.count * stride + text.count
        let piece = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        piece.storeBytes(of: entries.count, as: Int.self)
        piece.storeBytes(of: text.count, toByteOffset: 8, as: Int.self)
        entries.withUnsafeBytes { source in
            if let base = source.baseAddress { (piece + 16).copyMemory(from: base, byteCount: source.count) }
        }
        text.withUnsafeBytes { source in
            if let base = source.baseAddress { (piece + 16 + entries.count * stride).copyMemory(from: base, byteCount: source.count) }
        }
        return piece
    }

    /// Takes what `keep` returned back into the list and frees it.
    func restore(_ piece: UnsafeMutableRawPointer) {
        removeAll()
        let (fields, bytes) = (piece.load(as: Int.self), piece.load(fromByteOffset: 8, as: Int.self))
        // SAFETY: written by `keep`, with these counts in front.
        entries.append(contentsOf: UnsafeRawBufferPointer(start: piece + 16, count: fields * 24).bindMemory(to: Entry.self))
        text.append(contentsOf: UnsafeRawBufferPointer(start: piece + 16 + fields * 24, count: bytes))
        piece.deallocate()
    }

    static func drop(_ piece: UnsafeMutableRawPointer) { piece.deallocate() }
}
