extension LineWriter {
    /// One line of JSON with its newline. The keys and their meaning stand in docs/access-log.md.
    mutating func jsonLine(_ record: borrowing AccessRecord, second: UnsafeRawBufferPointer, milliseconds: UInt32) {
        literal("{\"time\":\"")
        verbatim(second)
        byte(UInt8(ascii: "."))
        decimal(milliseconds, digits: 3)
        literal("Z\",\"request_id\":\"")
        json(record.requestID, limit: LineRoom.requestID)
        literal("\",\"client\":\"")
        address(record.client)
        literal("\",\"method\":\"")
        json(record.method, limit: LineRoom.method)
        literal("\",\"host\":\"")
        json(record.host, limit: LineRoom.host)
        literal("\",\"target\":\"")
        json(record.target, limit: LineRoom.target)
        literal("\",\"protocol\":\"HTTP/")
        version(record)
        literal("\",\"status\":")
        decimal(UInt64(record.status))
        literal(",\"bytes_in\":")
        decimal(record.bytesIn)
        literal(",\"bytes_out\":")
        decimal(record.bytesOut)
        jsonChoice(record)
        jsonTimes(record)
        literal(",\"termination\":\"")
        byte(record.endedBy.letter)
        byte(record.phase.letter)
        literal("\",\"user_agent\":\"")
        json(record.userAgent, limit: LineRoom.userAgent)
        literal("\",\"referer\":\"")
        json(record.referer, limit: LineRoom.referer)
        literal("\"}\n")
    }

    /// Where the exchange went.
    @inline(__always)
    private mutating func jsonChoice(_ record: borrowing AccessRecord) {
        literal(",\"listener\":\"")
        json(record.listener, limit: LineRoom.name)
        literal("\",\"route\":\"")
        json(record.route, limit: LineRoom.name)
        literal("\",\"service\":\"")
        json(record.service, limit: LineRoom.name)
        literal("\",\"pool\":\"")
        json(record.pool, limit: LineRoom.name)
        switch record.chosenBy {
        case .nobody: literal("\",\"chosen_by\":\"\",\"rule\":\"")
        case .split: literal("\",\"chosen_by\":\"split\",\"rule\":\"")
        case .sticky: literal("\",\"chosen_by\":\"sticky\",\"rule\":\"")
        case .rule: literal("\",\"chosen_by\":\"rule\",\"rule\":\"")
        }
        json(record.rule, limit: LineRoom.name)
        literal("\",\"upstream\":\"")
        json(record.upstream, limit: LineRoom.name)
        literal("\",\"epoch\":")
        decimal(record.epoch)
        literal(",\"attempts\":")
        decimal(UInt64(record.attempts))
        if record.upstreamConnectionReused {
            literal(",\"reused\":true")
        } else {
            literal(",\"reused\":false")
        }
    }

    @inline(__always)
    private mutating func jsonTimes(_ record: borrowing AccessRecord) {
        literal(",\"queue_us\":")
        time(record.queueTime)
        literal(",\"connect_us\":")
        time(record.connectTime)
        literal(",\"first_byte_us\":")
        time(record.firstByteTime)
        literal(",\"total_us\":")
        time(record.totalTime)
    }

    @inline(__always)
    private mutating func time(_ microseconds: Int64) {
        if microseconds < 0 {
            literal("null")
        } else {
            decimal(UInt64(microseconds))
        }
    }
}
