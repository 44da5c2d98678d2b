extension LineWriter {
    /// One line in the format that Apache and nginx call `combined`, with its newline:
    /// `client - - [time] "method target protocol" status bytes "referer" "user agent"`. Times are UTC; what is absent is `-`.
    mutating func combinedLine(_ record: borrowing AccessRecord, second: UnsafeRawBufferPointer) {
        address(record.client)
        literal(" - - [")
        verbatim(second)
        literal("] \"")
        if record.method.isEmpty && record.target.isEmpty {
            byte(UInt8(ascii: "-"))
        } else {
            quoted(record.method, limit: LineRoom.method)
            byte(UInt8(ascii: " "))
            quoted(record.target, limit: LineRoom.target)
            literal(" HTTP/")
            version(record)
        }
        literal("\" ")
        if record.status < 1000 {
            decimal(UInt32(record.status), digits: 3)
        } else {
            decimal(UInt64(record.status))
        }
        byte(UInt8(ascii: " "))
        decimal(record.bytesOut)
        literal(" \"")
        quotedOrDash(record.referer, limit: LineRoom.referer)
        literal("\" \"")
        quotedOrDash(record.userAgent, limit: LineRoom.userAgent)
        literal("\"\n")
    }

    /// "1.1", "1.0", "2.0".
    @inline(__always)
    mutating func version(_ record: borrowing AccessRecord) {
        if record.isHTTP2 { return literal("2.0") }
        literal("1.")
        decimal(UInt64(record.minorVersion))
    }

    private mutating func quotedOrDash(_ bytes: UnsafeRawBufferPointer, limit: Int) {
        if bytes.isEmpty {
            byte(UInt8(ascii: "-"))
        } else {
            quoted(bytes, limit: limit)
        }
    }
}
