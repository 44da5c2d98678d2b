internal import HTTP
internal import Net
internal import Routing

/// Answers of our own to gRPC calls: a client of gRPC looks for its status in trailers, and makes UNKNOWN of whatever an HTTP status may mean.
/// So it gets 200 and a head that is the trailers too ("Trailers-Only" of gRPC's PROTOCOL-HTTP2).
enum GRPCAnswer {
    /// Codes of gRPC's `statuscodes`.
    enum Code: UInt8 {
        case unknown = 2
        case deadlineExceeded = 4
        case permissionDenied = 7
        case resourceExhausted = 8
        case unimplemented = 12
        case internalError = 13
        case unavailable = 14
        case unauthenticated = 16

        /// As gRPC's `http-grpc-status-mapping` has it; beyond it, what is too large is RESOURCE_EXHAUSTED.
        init(_ status: UInt16) {
            self =
                switch status {
                case 400: .internalError
                case 401: .unauthenticated
                case 403: .permissionDenied
                case 404: .unimplemented
                case 413, 431: .resourceExhausted
                case 429, 502, 503, 504: .unavailable
                default: .unknown
                }
        }
    }

    /// The request is a call of gRPC: `application/grpc`, alone or with a message format behind it. gRPC-Web is another protocol.
    static func isWanted(_ exchange: Exchange) -> Bool {
        guard exchange.headBlock != nil, exchange.head.has(.contentType), exchange.parseAgain() else { return false }
        return isGRPC(value(of: .contentType, exchange))
    }

    /// Of the first such field in the loop's field table, which holds this exchange's.
    fileprivate static func value(of name: FieldName, _ exchange: Exchange) -> UnsafeRawBufferPointer {
        for field in exchange.worker.requestFields.all where field.name == name {
            return exchange.slice(field.value, of: exchange.headBytes)
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// What `grpc-timeout` says: at most eight digits and a unit; nil when it says something else.
    static func timeout(_ text: UnsafeRawBufferPointer) -> TimeSpan? {
        guard (2...9).contains(text.count) else { return nil }
        var number: Int64 = 0
        for byte in text.dropLast() {
            guard byte >= 48, byte <= 57 else { return nil }
            number = number * 10 + Int64(byte - 48)
        }
        let unit: Int64
        switch text[text.count - 1] {
        case UInt8(ascii: "H"): unit = 3_600_000_000_000
        case UInt8(ascii: "M"): unit = 60_000_000_000
        case UInt8(ascii: "S"): unit = 1_000_000_000
        case UInt8(ascii: "m"): unit = 1_000_000
        case UInt8(ascii: "u"): unit = 1_000
        case UInt8(ascii: "n"): unit = 1
        default: return nil
        }
        let (span, overflow) = number.multipliedReportingOverflow(by: unit)
        return TimeSpan(nanoseconds: overflow ? .max : span)
    }

    static func isGRPC(_ contentType: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "application/grpc"
        let count = name.utf8CodeUnitCount
        guard contentType.count >= count,
            ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: contentType[..<count]), name)
        else { return false }
        switch contentType.count > count ? contentType[count] : UInt8(ascii: ";") {
        case UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: " "), UInt8(ascii: "\t"): return true
        default: return false
        }
    }

    static func write(_ status: UInt16, of exchange: Exchange, closes: Bool, to out: inout HeadWriter) {
        Answer.putHead(200, exchange, closes: closes, to: &out)
        out.put("Content-Type: application/grpc\r\ngrpc-status: ")
        let isLate = exchange.worker.loop.now >= exchange.callDeadline && (status == 408 || status >= 503)
        out.put(decimal: UInt64((isLate ? Code.deadlineExceeded : Code(status)).rawValue))
        out.put("\r\ngrpc-message: ")
        out.put(decimal: UInt64(status))
        out.put(UInt8(ascii: " "))
        out.put(Status.reasonPhrase(status))
        out.put(", request ")
        let given = exchange.givenRequestID
        if given.isEmpty { exchange.identifier.write(to: &out) } else { putEscaped(given, to: &out) }
        out.put("\r\nContent-Length: 0\r\n\r\n")
    }

    /// Trailers of a call whose response cannot go on.
    static func addBrokenOff(to fields: H2FieldList) {
        fields.add("grpc-status", "14")
        fields.add("grpc-message", "the response was broken off")
    }

    /// Percent-encoded: all but 0x20...0x7e, and the percent sign itself.
    static func putEscaped(_ bytes: UnsafeRawBufferPointer, to out: inout HeadWriter) {
        for byte in bytes {
            if byte >= 0x20, byte <= 0x7e, byte != UInt8(ascii: "%") {
                out.put(byte)
            } else {
                out.put(UInt8(ascii: "%"))
                out.put(hex: UInt64(byte), digits: 2)
            }
        }
    }
}

extension Exchange {
    /// How long a gRPC call may take: no target is waited for beyond that. The loop's field table holds this request's fields.
    func noteCallDeadline() {
        guard GRPCAnswer.isGRPC(GRPCAnswer.value(of: .contentType, self)) else { return }
        guard let span = GRPCAnswer.timeout(GRPCAnswer.value(of: .grpcTimeout, self)) else { return }
        callDeadline = times.begin + span
    }
}
