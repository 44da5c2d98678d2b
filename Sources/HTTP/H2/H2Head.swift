/// A head or trailer section that came in: offsets into the bytes of its `H2HeadStore`.
package struct H2Head: Sendable {
    /// Which pseudo-header fields were there; their values. `status` is 0 in requests.
    package var method = ByteRange()
    package var scheme = ByteRange()
    package var authority = ByteRange()
    package var path = ByteRange()
    /// Of extended CONNECT (RFC 8441); empty without.
    package var `protocol` = ByteRange()
    package var status: UInt16 = 0
    /// The value of `Host`, empty without one.
    package var host = ByteRange()
    /// Bytes of the field lines, each "name: value" CRLF as in HTTP/1.1: a `Field` is good for both protocols.
    package var lines = ByteRange()
    /// Indices into the fields of the store.
    package var firstField: UInt32 = 0
    package var endField: UInt32 = 0
    /// Bits of `FieldName`.
    package var present: UInt64 = 0
    package var cookieCrumbs: UInt32 = 0
    /// No DATA and no trailers follow.
    package var endsStream = false
    /// More fields or bytes than the limits allow: those beyond are not here. Answer 431.
    package var isOverfull = false
    /// Size of the list as RFC 9113 §6.5.2 counts it, what was left out counted too.
    package var listBytes = 0

    package init() {}
    package func has(_ name: FieldName) -> Bool { present & name.bit != 0 }
}

/// The heads that came with the bytes received last, and the one that is still coming. Used again and again: no allocation per head.
/// Each session has one, which takes memory with its first head; confined to its loop.
package final class H2HeadStore {
    private var text = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var used = 0
    private var fieldStorage = UnsafeMutableBufferPointer<Field>(start: nil, count: 0)
    private var fieldCount = 0
    private var heads: [H2Head] = []
    private let limits: H2Limits

    init(limits: H2Limits) { self.limits = limits }

    deinit {
        text.deallocate()
        fieldStorage.deallocate()
    }

    package var count: Int { heads.count }
    package subscript(index: Int) -> H2Head {
        precondition(index >= 0 && index < heads.count)
        return heads[index]
    }

    /// SAFETY: valid until the session receives again.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[..<used]) }
    package func fields(of head: H2Head) -> UnsafeBufferPointer<Field> {
        UnsafeBufferPointer(rebasing: fieldStorage[Int(head.firstField)..<Int(head.endField)])
    }

    // MARK: - Filling

    /// Bytes of all heads now held.
    var size: Int { used }

    func removeAll() {
        used = 0
        fieldCount = 0
        heads.removeAll(keepingCapacity: true)
    }

    /// Gives the memory back, for a connection that has gone quiet.
    func release() {
        removeAll()
        heads = []
        text.deallocate()
        text = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        fieldStorage.deallocate()
        fieldStorage = UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    func begin() {
        var head = H2Head()
        head.lines = ByteRange(start: UInt32(used), end: UInt32(used))
        head.firstField = UInt32(fieldCount)
        head.endField = head.firstField
        heads.append(head)
    }

    /// Takes back the head begun last.
    func cancel() {
        guard let head = heads.popLast() else { return }
        used = min(used, Int(head.lines.start))
        fieldCount = min(fieldCount, Int(head.firstField))
    }

    /// Adds a field to the head begun last.
    ///
    /// - Returns: false when the header block has become a bomb.
    func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard let last = heads.indices.last else { return true }
        let size = name.count + value.count
        heads[last].listBytes += size + 32
        let isPseudo = name.first == .colon
        let fits = heads[last].listBytes <= limits.headerListBytes && fieldCount - Int(heads[last].firstField) < limits.headerFields
        guard fits, name.count <= Int(UInt16.max), makeRoom(bytes: size + 4) else {
            heads[last].isOverfull = true
            return heads[last].listBytes <= limits.headerListBytes.multipliedReportingOverflow(by: limits.bombFactor).partialValue
        }
        if isPseudo {
            let start = UInt32(used)
            put(value)
            heads[last].note(pseudo: name, ByteRange(start: start, end: UInt32(used)), of: value)
            // The lines begin behind the pseudo-header fields, which come first.
            heads[last].lines = ByteRange(start: UInt32(used), end: UInt32(used))
        } else {
            addLine(name, value, to: last)
        }
        return true
    }

    func end(endsStream: Bool) -> Int {
        guard let last = heads.indices.last else { return 0 }
        heads[last].endsStream = endsStream
        return last
    }

    // MARK: - Private

    private func addLine(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, to index: Int) {
        let start = UInt32(used)
        put(name)
        put(": ")
        let valueStart = UInt32(used)
        put(value)
        let valueEnd = UInt32(used)
        put("\r\n")
        let known = FieldName.lookup(name)
        fieldStorage[fieldCount] = Field(
            start: start, nameLength: UInt16(name.count), name: known, valueStart: valueStart, valueEnd: valueEnd, end: UInt32(used))
        fieldCount += 1
        heads[index].endField = UInt32(fieldCount)
        heads[index].lines.end = UInt32(used)
        heads[index].present |= known.bit
        if known == .host { heads[index].host = ByteRange(start: valueStart, end: valueEnd) }
        if known == .cookie { heads[index].cookieCrumbs += 1 }
    }

    private func makeRoom(bytes: Int) -> Bool {
        if fieldCount == fieldStorage.count {
            let larger = UnsafeMutableBufferPointer<Field>.allocate(capacity: max(32, fieldStorage.count * 2))
            _ = larger.update(fromContentsOf: fieldStorage)
            fieldStorage.deallocate()
            fieldStorage = larger
        }
        guard text.count - used < bytes else { return true }
        let count = max(2048, text.count * 2, used + bytes)
        guard count <= Int(Int32.max) else { return false }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(text))
        text.deallocate()
        text = larger
        return true
    }

    private func put(_ bytes: UnsafeRawBufferPointer) {
        // SAFETY: `makeRoom` was asked for the whole field; a wrong sum stops here.
        precondition(used + bytes.count <= text.count)
        UnsafeMutableRawBufferPointer(rebasing: text[used...]).copyMemory(from: bytes)
        used += bytes.count
    }

    private func put(_ literal: StaticString) {
        put(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }
}

extension H2Head {
    fileprivate mutating func note(pseudo name: UnsafeRawBufferPointer, _ range: ByteRange, of value: UnsafeRawBufferPointer) {
        let octets = Octets(name)
        let all = ByteRange(start: 0, end: UInt32(name.count))
        if octets.equals(":method", all) {
            method = range
        } else if octets.equals(":path", all) {
            path = range
        } else if octets.equals(":scheme", all) {
            scheme = range
        } else if octets.equals(":authority", all) {
            authority = range
        } else if octets.equals(":protocol", all) {
            `protocol` = range
        } else if octets.equals(":status", all) {
            // The library has passed three digits only.
            status = value.reduce(0) { $0 &* 10 &+ UInt16($1 &- 0x30) }
        }
    }
}
