internal import HTTP
internal import Net
internal import Routing
internal import Telemetry

/// The exchange as one access record.
extension Exchange {
    /// Once for each exchange, before anything is decided: whoever is refused leaves a whole line, too.
    func noteLogFields(_ fields: FieldTable, _ snapshot: Snapshot) {
        var wanted = RequestRewriter.bit(.xRequestId)
        if worker.log.format != .off { wanted |= RequestRewriter.bit(.userAgent) | RequestRewriter.bit(.referer) }
        guard head.present & wanted != 0 else { return }
        for field in fields.all {
            switch field.name {
            case .userAgent: logFields.userAgent = field.value
            case .referer: logFields.referer = field.value
            case .xRequestId: if snapshot.isTrusted(clientAddress) { logFields.requestID = field.value }
            default: break
            }
        }
    }

    func log(_ endedBy: EndedBy, _ phase: ExchangePhase) {
        guard let downstream else { return }
        var text: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &text) { buffer in
            identifier.write(to: buffer)
            var record = AccessRecord()
            let given = givenRequestID
            let own = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[0..<RequestIdentifier.length])
            record.requestID = given.isEmpty ? own : given
            record.client = downstream.client.address
            record.listener = downstream.client.socket.name.bytes
            record.isHTTP2 = downstream.isHTTP2
            fillRequest(&record)
            fillRoute(&record)
            fillTimes(&record)
            record.endedBy = endedBy
            record.phase = phase
            worker.log.append(record)
        }
    }

    private func fillRequest(_ record: inout AccessRecord) {
        let bytes = headBytes
        record.method = slice(head.methodRange, of: bytes)
        record.target = slice(head.target, of: bytes)
        record.host = slice(head.authority, of: bytes)
        record.minorVersion = head.minorVersion
        record.userAgent = slice(logFields.userAgent, of: bytes)
        record.referer = slice(logFields.referer, of: bytes)
        record.status = response.status
        record.bytesIn = times.bytesIn
        record.bytesOut = times.bytesOut
    }

    private func fillRoute(_ record: inout AccessRecord) {
        if let route { record.route = route.nameText.bytes }
        if let service { record.service = service.nameText.bytes }
        if let pool { record.pool = pool.nameText.bytes }
        if let target { record.upstream = target.text.bytes }
        fillChoice(&record)
        record.epoch = epoch
        record.attempts = attempts &+ (target == nil ? 0 : 1)
        record.upstreamConnectionReused = isReused
    }

    private func fillTimes(_ record: inout AccessRecord) {
        record.wallClock = times.wall / 1000
        record.queueTime = microseconds(from: times.begin, to: times.admitted)
        record.connectTime = microseconds(from: times.admitted, to: times.connected)
        record.firstByteTime = microseconds(from: times.connected, to: times.firstByte)
        record.totalTime = (worker.loop.now - times.begin).microseconds
    }

    private func microseconds(from: Instant, to: Instant) -> Int64 {
        from == .never || to == .never ? -1 : (to - from).microseconds
    }

    /// The request id that a trusted proxy gave; empty when there is none.
    var givenRequestID: UnsafeRawBufferPointer { slice(logFields.requestID, of: headBytes) }

    func slice(_ range: ByteRange, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard range.start < range.end, Int(range.end) <= bytes.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)])
    }
}

/// Where the log finds what it tells beside the request line; noted while the fields are at hand.
struct LogFields {
    var userAgent = ByteRange()
    var referer = ByteRange()
    /// A request id that a trusted proxy gave.
    var requestID = ByteRange()
}
