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
    // Unchecked: the checks at run time were a sixth of a request. Every access is a statement of its own, ended before the next begins.
    @exclusivity(unchecked) private var text = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    @exclusivity(unchecked) private var used = 0
    @exclusivity(unchecked) private var fieldStorage = UnsafeMutableBufferPointer<Field>(start: nil, count: 0)
    @exclusivity(unchecked) private var fieldCount = 0
    @exclusivity(unchecked) private var heads: [H2Head] = []
    /// The head that is coming in.
    @exclusivity(unchecked) private var current = H2Head()
    /// Where its bytes begin.
    @exclusivity(unchecked) private var begun = 0
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
        current = H2Head()
        current.lines = ByteRange(start: UInt32(used), end: UInt32(used))
        current.firstField = UInt32(fieldCount)
        current.endField = current.firstField
        begun = used
    }

    /// Takes back the head begun last.
    func cancel() {
        used = begun
        fieldCount = Int(current.firstField)
    }

    /// Adds a field to the head begun last.
    ///
    /// - Returns: false when the header block has become a bomb.
    func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        let size = name.count + value.count
        current.listBytes += size + 32
        let isPseudo = name.first == .colon
        let fits = current.listBytes <= limits.headerListBytes && fieldCount - Int(current.firstField) < limits.headerFields
        guard fits, name.count <= Int(UInt16.max), hasRoom(size + 4) || makeRoom(bytes: size + 4) else {
            current.isOverfull = true
            return current.listBytes <= limits.headerListBytes.multipliedReportingOverflow(by: limits.bombFactor).partialValue
        }
        if isPseudo {
            let start = used
            used = put(value, at: start)
            current.note(pseudo: name, ByteRange(start: UInt32(start), end: UInt32(used)), of: value)
            // The lines begin behind the pseudo-header fields, which come first.
            current.lines = ByteRange(start: UInt32(used), end: UInt32(used))
        } else {
            addLine(name, value)
        }
        return true
    }

    func end(endsStream: Bool) -> Int {
        current.endsStream = endsStream
        heads.append(current)
        return heads.count - 1
    }

    // MARK: - Private

    private func addLine(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let start = used
        let nameEnd = put(name, at: start)
        // SAFETY: `hasRoom` was asked for the whole line.
        text.storeBytes(of: Self.separator.littleEndian, toByteOffset: nameEnd, as: UInt16.self)
        let valueEnd = put(value, at: nameEnd + 2)
        text.storeBytes(of: Self.lineEnd.littleEndian, toByteOffset: valueEnd, as: UInt16.self)
        used = valueEnd + 2
        // The library has passed token characters only.
        let known = FieldName.lookup(Octets(name), start: 0, count: name.count)
        let valueStart = UInt32(nameEnd + 2)
        let field = Field(
            start: UInt32(start), nameLength: UInt16(name.count), name: known, valueStart: valueStart, valueEnd: UInt32(valueEnd),
            end: UInt32(used))
        fieldStorage[fieldCount] = field
        fieldCount += 1
        current.endField = UInt32(fieldCount)
        current.lines.end = UInt32(used)
        current.present |= known.bit
        if known == .host { current.host = field.value }
        if known == .cookie { current.cookieCrumbs += 1 }
    }

    /// ": " and CRLF, the first byte lowest.
    private static var separator: UInt16 { 0x203a }
    private static var lineEnd: UInt16 { 0x0a0d }

    @inline(__always)
    private func hasRoom(_ bytes: Int) -> Bool { bytes <= text.count - used && fieldCount < fieldStorage.count }

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

    /// - Returns: the index behind them.
    @inline(__always)
    private func put(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        // SAFETY: `hasRoom` was asked for the whole field; a wrong sum stops here.
        precondition(bytes.count <= text.count - start)
        if let source = bytes.baseAddress, let base = text.baseAddress { (base + start).copyMemory(from: source, byteCount: bytes.count) }
        return start + bytes.count
    }
}

extension H2Head {
    /// The library has passed the names that there are and no other: length and one letter tell them apart.
    fileprivate mutating func note(pseudo name: UnsafeRawBufferPointer, _ range: ByteRange, of value: UnsafeRawBufferPointer) {
        switch (name.count, name.count > 2 ? name[2] : 0) {
        case (5, _): path = range
        case (7, 0x65): method = range
        case (7, 0x63): scheme = range
        // Three digits.
        case (7, 0x74): status = value.reduce(0) { $0 &* 10 &+ UInt16($1 &- 0x30) }
        case (9, _): `protocol` = range
        case (10, _): authority = range
        default: break
        }
    }
}
