/// The lines of a trailer section and the verdict on each. Trailers stay trailers: nothing here is ever merged into a head.
package struct TrailerLines {
    package struct Line: Equatable {
        /// The whole line, CRLF included.
        package var line: ByteRange
        package var name: ByteRange
        /// False for what a recipient must know before the body, or what is between neighbours: framing, routing, request modifiers,
        /// authentication, content format, response controls, the trace of hops (RFC 9110 §6.5.1). Dropping them is always allowed.
        package var mayBeForwarded: Bool
    }

    private let octets: Octets
    private var index: Int

    /// - Parameters:
    ///   - bytes: the buffer given to `ChunkedDecoder.decode`.
    ///   - range: `Step.trailers`.
    package init(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) {
        octets = Octets(bytes, limit: Int(range.end))
        index = Int(range.start)
    }

    /// The next line, nil behind the last.
    package mutating func next() -> Line? {
        guard index < octets.count, let line = try? FieldLine(octets, at: index) else { return nil }
        index = line.end
        return Line(
            line: ByteRange(start: UInt32(clamping: line.start), end: UInt32(clamping: line.end)),
            name: ByteRange(start: UInt32(clamping: line.start), end: UInt32(clamping: line.start + line.nameLength)),
            mayBeForwarded: Self.mayBeForwarded(octets, line.start, line.nameLength))
    }

    /// Checks a section that begins with the first byte of `octets`.
    ///
    /// - Returns: the index behind its empty line; nil when it is not complete.
    static func endOfSection(_ octets: Octets, limit: Int) throws(HTTPError) -> Int? {
        var (index, lines) = (0, 0)
        while index < octets.count {
            if octets[index] == .cr {
                guard index + 1 < octets.count else { return nil }
                guard octets[index + 1] == .lf else { throw HTTPError(.malformedTrailer) }
                return index + 2
            }
            guard lines < limit else { throw HTTPError(.malformedTrailer, status: 431) }
            lines += 1
            do throws(HTTPError) {
                guard let line = try FieldLine(octets, at: index) else { return nil }
                index = line.end
            } catch {
                throw HTTPError(.malformedTrailer)
            }
        }
        return nil
    }

    // MARK: - Private

    static func mayBeForwarded(_ octets: Octets, _ start: Int, _ count: Int) -> Bool {
        switch FieldName.lookup(octets, start: start, count: count) {
        case .other: break
        default: return false
        }
        // RFC 9530 defines its digests for trailers.
        if octets.tokenEquals("content-digest", at: start, count: count) { return true }
        return !beginsWithReserved(octets, start, count) && !isReserved(octets, start, count)
    }

    private static func beginsWithReserved(_ octets: Octets, _ start: Int, _ count: Int) -> Bool {
        (count >= 8 && octets.tokenEquals("content-", at: start, count: 8))
            || (count >= 3 && octets.tokenEquals("if-", at: start, count: 3))
            || (count >= 6 && octets.tokenEquals("proxy-", at: start, count: 6))
            || (count >= 12 && octets.tokenEquals("x-forwarded-", at: start, count: 12))
    }

    private static func isReserved(_ octets: Octets, _ start: Int, _ count: Int) -> Bool {
        func matches(_ literal: StaticString) -> Bool { octets.tokenEquals(literal, at: start, count: count) }
        switch count {
        case 3: return matches("age")
        case 4: return matches("vary") || matches("from")
        case 5: return matches("range") || matches("allow")
        case 6: return matches("pragma")
        case 7: return matches("expires") || matches("warning") || matches("alt-svc")
        case 9: return matches("x-real-ip")
        case 11: return matches("retry-after")
        case 13: return matches("authorization") || matches("cache-control") || matches("accept-ranges")
        case 14: return matches("accept-charset")
        case 15: return matches("accept-encoding") || matches("accept-language")
        case 16: return matches("www-authenticate")
        case 19: return matches("authentication-info")
        default: return false
        }
    }
}
