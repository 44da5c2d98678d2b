package import HTTP
package import Net

/// What rules and sticky keys may read of a request: pointers into the head that was parsed, for the length of one call. Allocates nothing.
package struct RequestView {
    let bytes: UnsafeRawBufferPointer
    let fields: UnsafeBufferPointer<Field>
    /// Between `?` and the end of the request-target; empty when there is none.
    let query: UnsafeRawBufferPointer
    let client: SocketAddress
    let hasCookies: Bool

    /// - Parameters:
    ///   - bytes: what `head` and `fields` were parsed from.
    ///   - client: as `Snapshot.client(of:)` tells it, where `Steering.readsClient` asks for it.
    package init(_ bytes: UnsafeRawBufferPointer, head: borrowing RequestHead, fields: FieldTable, client: SocketAddress) {
        self.bytes = bytes
        self.fields = fields.all
        self.client = client
        hasCookies = head.has(.cookie)
        let (start, overflow) = head.path.end.addingReportingOverflow(1)
        query = overflow ? Self.nothing : Self.slice(bytes, start, head.pathAndQuery.end)
    }

    /// Whether one line of that name has exactly this value.
    /// - Parameter name: lower case.
    func hasHeader(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        for field in fields where isNamed(field, name) && Self.isEqual(self.value(of: field), value) { return true }
        return false
    }

    /// The first line of that name that says something; empty when there is none.
    /// - Parameter name: lower case.
    func header(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        for field in fields where field.valueStart < field.valueEnd && isNamed(field, name) { return value(of: field) }
        return Self.nothing
    }

    func hasCookie(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard hasCookies else { return false }
        for field in fields where field.name == .cookie {
            if Pairs(self.value(of: field), separatedBy: UInt8(ascii: ";")).contains(name, value) { return true }
        }
        return false
    }

    /// The first cookie of that name that has a value; empty when there is none.
    func cookie(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard hasCookies else { return Self.nothing }
        for field in fields where field.name == .cookie {
            let value = Pairs(self.value(of: field), separatedBy: UInt8(ascii: ";")).firstValue(of: name)
            if !value.isEmpty { return value }
        }
        return Self.nothing
    }

    func hasParameter(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        Pairs(query, separatedBy: UInt8(ascii: "&")).contains(name, value)
    }

    // MARK: - Private

    static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    private func value(of field: Field) -> UnsafeRawBufferPointer { Self.slice(bytes, field.valueStart, field.valueEnd) }

    private func isNamed(_ field: Field, _ name: UnsafeRawBufferPointer) -> Bool {
        guard Int(field.nameLength) == name.count else { return false }
        let (end, overflow) = field.start.addingReportingOverflow(UInt32(field.nameLength))
        return !overflow && ASCII.equalsIgnoringCase(Self.slice(bytes, field.start, end), name)
    }

    /// Empty for a range that the buffer does not hold.
    static func slice(_ bytes: UnsafeRawBufferPointer, _ start: UInt32, _ end: UInt32) -> UnsafeRawBufferPointer {
        guard start < end, Int(end) <= bytes.count else { return nothing }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)])
    }

    static func isEqual(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        for index in 0..<one.count where one[index] != other[index] { return false }
        return true
    }
}

/// `name=value` pairs between separators, blanks around them left out: cookies (RFC 6265 §5.4), query parameters. Nothing is decoded.
struct Pairs {
    private let bytes: UnsafeRawBufferPointer
    private let separator: UInt8

    init(_ bytes: UnsafeRawBufferPointer, separatedBy separator: UInt8) {
        self.bytes = bytes
        self.separator = separator
    }

    func contains(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        var at = 0
        while let found = next(&at, named: name) {
            if RequestView.isEqual(found, value) { return true }
        }
        return false
    }

    /// The first that is not empty; empty when there is none.
    func firstValue(of name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var at = 0
        while let found = next(&at, named: name) {
            if !found.isEmpty { return found }
        }
        return RequestView.nothing
    }

    // MARK: - Private

    /// The value of the next pair of that name from `position` on; without `=`, an empty one.
    private func next(_ position: inout Int, named name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        while position < bytes.count {
            var start = position
            var end = start
            while end < bytes.count, bytes[end] != separator { end += 1 }
            position = end + 1
            while start < end, Self.isBlank(bytes[start]) { start += 1 }
            while start < end, Self.isBlank(bytes[end - 1]) { end -= 1 }
            let nameEnd = start + name.count
            guard nameEnd <= end, nameEnd == end || bytes[nameEnd] == UInt8(ascii: "="),
                RequestView.isEqual(UnsafeRawBufferPointer(rebasing: bytes[start..<nameEnd]), name)
            else { continue }
            return nameEnd < end ? UnsafeRawBufferPointer(rebasing: bytes[nameEnd + 1..<end]) : RequestView.nothing
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
