internal import HTTP
internal import Net
internal import Routing

/// Answers of our own: errors as a small problem+json (RFC 9457) or HTML page by `Accept`, redirects, fixed responses.
enum Answer {
    /// The connection cannot go on when the request was not understood, or not taken whole.
    static func closes(_ exchange: Exchange, _ status: UInt16) -> Bool {
        guard let downstream = exchange.downstream, !downstream.isHTTP2 else { return false }
        if downstream.isOfAge { return true }
        return exchange.headBlock == nil || !exchange.head.isPersistent || !exchange.requestBody.isFinished || exchange.worker.isDraining
    }

    static func write(_ status: UInt16, of exchange: Exchange, closes: Bool, to out: inout HeadWriter) {
        if GRPCAnswer.isWanted(exchange) { return GRPCAnswer.write(status, of: exchange, closes: closes, to: &out) }
        let isHTML = wantsHTML(exchange)
        putHead(status, exchange, closes: closes, to: &out)
        if status == 503 { out.put("Retry-After: 1\r\n") }
        if status == 405 || status == 204 { out.put("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n") }
        if status == 204 { return out.put("\r\n") }
        out.put(isHTML ? "Content-Type: text/html; charset=utf-8\r\n" : "Content-Type: application/problem+json\r\n")
        putBody(exchange, to: &out) { isHTML ? putPage(status, exchange, to: &$0) : putProblem(status, exchange, to: &$0) }
    }

    /// A redirect or a fixed response; returns its status.
    static func write(_ action: RouteAction, of exchange: Exchange, closes: Bool, to out: inout HeadWriter) -> UInt16 {
        switch action {
        case .redirect(let to, let status):
            putHead(status, exchange, closes: closes, to: &out)
            putLocation(to, exchange, to: &out)
            out.put("Content-Length: 0\r\n\r\n")
            return status
        case .respond(let status, let body, let contentType):
            putHead(status, exchange, closes: closes, to: &out)
            if status == 204 || status == 304 {
                out.put("\r\n")
                return status
            }
            if !isReplaced("content-type", exchange) {
                out.put("Content-Type: ")
                out.put(contentType)
                out.put("\r\n")
            }
            putBody(exchange, to: &out) { $0.put(body) }
            return status
        case .service: return 500
        }
    }

    /// What every answer begins with: status line, date, and what listener and route add to responses.
    static func putHead(_ status: UInt16, _ exchange: Exchange, closes: Bool, to out: inout HeadWriter) {
        out.put("HTTP/1.1 ")
        out.put(decimal: UInt64(status))
        out.put(UInt8(ascii: " "))
        out.put(Status.reasonPhrase(status))
        out.put("\r\n")
        exchange.worker.date.write(to: &out, wall: exchange.worker.loop.wall)
        if closes {
            out.put("Connection: close\r\n")
        } else if exchange.head.minorVersion == 0 {
            out.put("Connection: keep-alive\r\n")
        }
        if exchange.tellsTransportSecurity { exchange.putTransportSecurity(to: &out) }
        if let route = exchange.route, !route.responseEdits.lines.isEmpty { out.put(route.responseEdits.lines) }
    }

    // MARK: - Private

    /// The route's own edits set or remove this field.
    private static func isReplaced(_ name: StaticString, _ exchange: Exchange) -> Bool {
        guard let dropped = exchange.route?.responseEdits.dropped else { return false }
        return dropped.contains { $0.withUnsafeBytes { ASCII.equalsIgnoringCase($0, name) } }
    }

    /// Content-Length, the empty line, and the body unless the method was HEAD.
    private static func putBody(_ exchange: Exchange, to out: inout HeadWriter, _ write: (inout HeadWriter) -> Void) {
        let before = out.count
        write(&out)
        let length = out.count - before
        out.rewind(to: before)
        out.put("Content-Length: ")
        out.put(decimal: UInt64(length))
        out.put("\r\n\r\n")
        if exchange.head.method != .head { write(&out) }
    }

    private static func putProblem(_ status: UInt16, _ exchange: Exchange, to out: inout HeadWriter) {
        out.put("{\"type\":\"about:blank\",\"title\":\"")
        out.put(Status.reasonPhrase(status))
        out.put("\",\"status\":")
        out.put(decimal: UInt64(status))
        if exchange.givenRequestID.isEmpty {
            out.put(",\"instance\":\"urn:uuid:")
            exchange.identifier.write(to: &out)
            out.put("\"")
        }
        out.put(",\"request_id\":\"")
        putRequestID(exchange, before: "\\u00", behind: "", to: &out)
        out.put("\"}\n")
    }

    private static func putPage(_ status: UInt16, _ exchange: Exchange, to out: inout HeadWriter) {
        out.put("<!doctype html><html lang=\"en\"><title>")
        putTitle(status, to: &out)
        out.put("</title><h1>")
        putTitle(status, to: &out)
        out.put("</h1><p>Request ")
        putRequestID(exchange, before: "&#x", behind: ";", to: &out)
        out.put("</p></html>\n")
    }

    /// As it went upstream, or would have. A trusted proxy may pass on what a client wrote, so whatever could mean something to JSON or
    /// HTML is written as its number, between `before` and `behind`.
    private static func putRequestID(_ exchange: Exchange, before: StaticString, behind: StaticString, to out: inout HeadWriter) {
        let given = exchange.givenRequestID
        guard !given.isEmpty else { return exchange.identifier.write(to: &out) }
        for byte in given {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "'"),
                0..<0x20, 0x7f...0xff:
                out.put(before)
                out.put(hex: UInt64(byte), digits: 2)
                out.put(behind)
            default: out.put(byte)
            }
        }
    }

    private static func putTitle(_ status: UInt16, to out: inout HeadWriter) {
        out.put(decimal: UInt64(status))
        out.put(UInt8(ascii: " "))
        out.put(Status.reasonPhrase(status))
    }

    private static func putLocation(_ to: [UInt8], _ exchange: Exchange, to out: inout HeadWriter) {
        out.put("Location: ")
        let marker = Array("{path}".utf8)
        var index = 0
        while index < to.count {
            if to[index...].starts(with: marker) {
                out.put(exchange.head.pathAndQuery, of: exchange.headBytes)
                index += marker.count
            } else {
                out.put(to[index])
                index += 1
            }
        }
        out.put("\r\n")
    }

    private static func wantsHTML(_ exchange: Exchange) -> Bool {
        guard exchange.headBlock != nil, exchange.head.has(.accept), exchange.parseAgain() else { return false }
        let fields = exchange.worker.requestFields
        for index in 0..<fields.count where fields[index].name == .accept {
            let value = exchange.slice(ByteRange(start: fields[index].valueStart, end: fields[index].valueEnd), of: exchange.headBytes)
            if contains(value, "text/html") { return true }
        }
        return false
    }

    private static func contains(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard bytes.count >= count else { return false }
        for start in 0...(bytes.count - count)
        where ASCII.equalsIgnoringCase(UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]), word) {
            return true
        }
        return false
    }
}
