/// One header field as offsets into the bytes that were parsed: nothing is copied, case and order stay.
package struct Field {
    /// First byte of the line = first byte of the name.
    package var start: UInt32
    package var nameLength: UInt16
    package var name: FieldName
    /// True when the field is hop-by-hop in this message: in the static list of RFC 9110 §7.6.1, or named by `Connection`.
    /// Framing fields (Content-Length, Transfer-Encoding) and Host are not marked; the rewriter decides on those.
    package var isHopByHop: Bool
    /// The value without surrounding white space.
    package var valueStart: UInt32
    package var valueEnd: UInt32
    /// One past the line's CRLF.
    package var end: UInt32

    package init(start: UInt32, nameLength: UInt16, name: FieldName, valueStart: UInt32, valueEnd: UInt32, end: UInt32) {
        self.start = start
        self.nameLength = nameLength
        self.name = name
        self.isHopByHop = name.bit & FieldName.hopByHop != 0
        self.valueStart = valueStart
        self.valueEnd = valueEnd
        self.end = end
    }

    package var nameRange: ByteRange { ByteRange(start: start, end: start &+ UInt32(nameLength)) }
    package var value: ByteRange { ByteRange(start: valueStart, end: valueEnd) }
    /// The whole line, CRLF included.
    package var line: ByteRange { ByteRange(start: start, end: end) }
}

/// The fields of the head parsed last. One per loop and direction, allocated once, reused for every message; confined to its loop.
package final class FieldTable {
    package let capacity: Int
    // Private, so that the compiler sees every access and need not guard each one at run time.
    private var used = 0
    private let storage: UnsafeMutablePointer<Field>

    package init(capacity: Int) {
        self.capacity = capacity
        storage = .allocate(capacity: capacity)
    }

    deinit { storage.deallocate() }

    package var count: Int { used }

    /// All fields at once, for loops in other modules: they cannot inline the subscript, and this costs them one call per message.
    ///
    /// SAFETY: valid while the table lives; the content until the next parse into it.
    package var all: UnsafeBufferPointer<Field> { UnsafeBufferPointer(start: storage, count: used) }

    package func removeAll() { used = 0 }

    /// False when the table is full (431).
    package func append(_ field: Field) -> Bool {
        guard used < capacity else { return false }
        (storage + used).initialize(to: field)
        used += 1
        return true
    }

    func markHopByHop(at index: Int) {
        precondition(index >= 0 && index < used)
        storage[index].isHopByHop = true
    }

    package subscript(index: Int) -> Field {
        get {
            precondition(index >= 0 && index < used)
            return storage[index]
        }
        set {
            precondition(index >= 0 && index < used)
            storage[index] = newValue
        }
    }
}
