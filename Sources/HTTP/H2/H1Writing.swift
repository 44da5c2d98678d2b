/// Heads of HTTP/2 as heads of HTTP/1.1: what a parser of ours, or an upstream, is then given. Pure; bytes in, bytes out.
///
/// A request that came over HTTP/2 thus meets the same strict parser as any other (what it refuses, it refuses here too), and nothing
/// behind it has to know two protocols.
package enum H1Writing {
    /// The request line, Host, the fields, the empty line.
    ///
    /// - Host comes from `:authority`, or else from Host (RFC 9113 §8.3.1).
    /// - Cookie crumbs become one field (§8.2.3).
    /// - Content without a length is announced as chunked; the caller frames it so where it goes to a peer of HTTP/1.1.
    /// - Extended CONNECT for `websocket` becomes GET with Upgrade (RFC 8441 §5); plain CONNECT stays CONNECT, for the caller to refuse.
    ///
    /// - Parameter webSocketKey: 24 characters of base64, made by the caller for a request over an upstream of HTTP/1.1.
    /// - Returns: the number of bytes; nil when `out` is too small.
    package static func request(
        _ head: H2Head, of heads: H2HeadStore, webSocketKey: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
        into out: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var sink = ByteSink(out)
        let bytes = heads.bytes
        let isTunnel = !head.protocol.isEmpty
        if isTunnel { sink.put("GET") } else { sink.put(head.method, of: bytes) }
        sink.put(" ")
        // Plain CONNECT has an authority only.
        sink.put(head.path.isEmpty ? head.authority : head.path, of: bytes)
        sink.put(" HTTP/1.1\r\n")
        if !head.authority.isEmpty {
            sink.put("host: ")
            sink.put(head.authority, of: bytes)
            sink.put("\r\n")
        }
        putFields(head, heads, isTunnel: isTunnel, to: &sink)
        if isTunnel {
            sink.put("connection: upgrade\r\nupgrade: ")
            sink.put(head.protocol, of: bytes)
            sink.put("\r\n")
            if !webSocketKey.isEmpty {
                sink.put("sec-websocket-key: ")
                sink.put(webSocketKey)
                sink.put("\r\n")
            }
        } else if !head.endsStream, !head.has(.contentLength) {
            sink.put("transfer-encoding: chunked\r\n")
        }
        sink.put("\r\n")
        return sink.count
    }

    /// The status line, the fields, the empty line. A final response of unknown length is announced as chunked unless it can have no
    /// content (1xx, 204, 304, to HEAD) or has none.
    ///
    /// - Parameter upgrades: the request asked for an upgrade and this is its answer: 200 becomes 101 (RFC 8441 §5).
    /// - Parameter webSocketAccept: what `Sec-WebSocket-Accept` must be then; no field for an empty one.
    /// - Returns: the number of bytes; nil when `out` is too small.
    package static func response(
        _ head: H2Head, of heads: H2HeadStore, to method: Method, upgrades: Bool = false,
        webSocketAccept: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), into out: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var sink = ByteSink(out)
        let isTunnel = upgrades && head.status >= 200 && head.status < 300
        let status = isTunnel ? 101 : head.status
        sink.put("HTTP/1.1 ")
        sink.put(decimal: UInt64(status))
        sink.put(" ")
        sink.put(Status.reasonPhrase(status))
        sink.put("\r\n")
        putFields(head, heads, isTunnel: isTunnel, to: &sink)
        let isEmpty = status < 200 || status == 204 || status == 304 || method == .head || head.endsStream
        if isTunnel {
            sink.put("connection: upgrade\r\nupgrade: websocket\r\n")
            if !webSocketAccept.isEmpty {
                sink.put("sec-websocket-accept: ")
                sink.put(webSocketAccept)
                sink.put("\r\n")
            }
        } else if !head.has(.contentLength) {
            if !isEmpty {
                sink.put("transfer-encoding: chunked\r\n")
            } else if head.endsStream, method != .head, status >= 200, status != 204, status != 304 {
                // Else a reader of HTTP/1.1 would read until the connection closes.
                sink.put("content-length: 0\r\n")
            }
        }
        sink.put("\r\n")
        return sink.count
    }

    /// The lines of a trailer section, without an end: what `TrailerLines` would let pass.
    ///
    /// - Returns: the number of bytes; nil when `out` is too small.
    package static func trailers(_ head: H2Head, of heads: H2HeadStore, into out: UnsafeMutableRawBufferPointer) -> Int? {
        var sink = ByteSink(out)
        let octets = Octets(heads.bytes)
        for field in heads.fields(of: head) {
            guard TrailerLines.mayBeForwarded(octets, Int(field.start), Int(field.nameLength)) else { continue }
            sink.put(field.line, of: heads.bytes)
        }
        return sink.count
    }

    // MARK: - Private

    private static func putFields(_ head: H2Head, _ heads: H2HeadStore, isTunnel: Bool, to sink: inout ByteSink) {
        let bytes = heads.bytes
        let joinsCookies = head.cookieCrumbs > 1
        let dropsHost = head.has(.host) && !head.authority.isEmpty
        guard joinsCookies || dropsHost || (isTunnel && head.has(.contentLength)) else { return sink.put(head.lines, of: bytes) }
        for field in heads.fields(of: head) {
            switch field.name {
            case .cookie where joinsCookies, .host where dropsHost, .contentLength where isTunnel: continue
            default: sink.put(field.line, of: bytes)
            }
        }
        guard joinsCookies else { return }
        var separator: StaticString = "cookie: "
        for field in heads.fields(of: head) where field.name == .cookie {
            sink.put(separator)
            sink.put(field.value, of: bytes)
            separator = "; "
        }
        sink.put("\r\n")
    }
}

/// Writes into memory of the caller's; too little of it shows at the end.
struct ByteSink {
    private let out: UnsafeMutableRawBufferPointer
    private var used = 0
    private var isOverfull = false

    init(_ out: UnsafeMutableRawBufferPointer) { self.out = out }

    /// Nil when not everything had room.
    var count: Int? { isOverfull ? nil : used }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard !isOverfull, bytes.count <= out.count - used else { return isOverfull = true }
        UnsafeMutableRawBufferPointer(rebasing: out[used...]).copyMemory(from: bytes)
        used += bytes.count
    }

    mutating func put(_ range: ByteRange, of bytes: UnsafeRawBufferPointer) {
        guard !range.isEmpty else { return }
        precondition(Int(range.end) <= bytes.count)
        put(UnsafeRawBufferPointer(rebasing: bytes[Int(range.start)..<Int(range.end)]))
    }

    mutating func put(_ literal: StaticString) {
        put(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func put(decimal value: UInt64) {
        let written = Numerals.writeDecimal(value, to: UnsafeMutableRawBufferPointer(rebasing: out[used...]))
        if written == 0 { isOverfull = true }
        used += written
    }
}
