/// Takes the chunk framing off a body in place (RFC 9112 §7.1). Strict: bare LF, white space, signs, more than 16 hex digits,
/// over-long extensions are refused.
///
/// Size lines and the CRLF behind data are read byte by byte and may be cut anywhere. A trailer section is taken whole: while it is not
/// complete, `consumed` stops before it and the caller presents it again with more behind; at `limits.bytes` it is refused, so a buffer of
/// that size is enough. After an error the decoder must not be used again.
package struct ChunkedDecoder {
    package struct Step {
        /// Bytes of the input that were used. What is behind them must be presented again with more (a trailer section is taken whole)
        /// or, when `isFinished`, belongs to the next message.
        package var consumed: Int
        /// Body bytes, moved to the front of the buffer (`buffer[0..<produced]`).
        package var produced: Int
        package var isFinished: Bool
        /// When finished: the trailer field lines (each with its CRLF, without the last empty line), an unmoved range of the buffer; empty when there are none.
        package var trailers: ByteRange
        package init(consumed: Int, produced: Int, isFinished: Bool, trailers: ByteRange) {
            self.consumed = consumed
            self.produced = produced
            self.isFinished = isFinished
            self.trailers = trailers
        }
    }

    private enum State {
        /// In a size line. Next: `.data`, `.trailers`.
        case size(ChunkSizeLine)
        /// In chunk data, so many bytes to come (> 0). Next: `.dataCR`.
        case data(UInt64)
        /// Behind chunk data. Next: `.dataLF`.
        case dataCR
        /// Between the CR and the LF behind chunk data. Next: `.size`.
        case dataLF
        /// Behind the last chunk's size line. Next: `.finished`.
        case trailers(HeadProgress)
        /// Takes no bytes any more.
        case finished
    }

    /// Extensions are of no use to anybody, so they are paid for with body bytes beyond this many (a body of one-byte chunks with long
    /// extensions is an attack: CVE-2023-39326).
    private static let freeExtensionBytes = 4096

    private var state = State.size(ChunkSizeLine())
    private var extensionBytes = 0

    package init() {}

    /// - Parameter buffer: the bytes behind those consumed so far; rewritten in front.
    package mutating func decode(_ buffer: UnsafeMutableRawBufferPointer, limits: HeadLimits) throws(HTTPError) -> Step {
        let octets = Octets(UnsafeRawBufferPointer(buffer))
        var step = Step(consumed: 0, produced: 0, isFinished: false, trailers: ByteRange())
        while step.consumed < octets.count {
            switch state {
            case .size(var line):
                let end = try line.read(octets, from: step.consumed, extensionBytes: &extensionBytes)
                guard extensionBytes <= Self.freeExtensionBytes else { throw HTTPError(.malformedChunk) }
                step.consumed = end
                if !line.isComplete {
                    state = .size(line)
                } else {
                    state = line.size == 0 ? .trailers(HeadProgress()) : .data(line.size)
                }
            case .data(let remaining):
                takeData(buffer, &step, remaining)
            case .dataCR:
                guard octets[step.consumed] == .cr else { throw HTTPError(.malformedChunk) }
                step.consumed += 1
                state = .dataLF
            case .dataLF:
                guard octets[step.consumed] == .lf else { throw HTTPError(.malformedChunk) }
                step.consumed += 1
                state = .size(ChunkSizeLine())
            case .trailers(var progress):
                let isFinished = try takeTrailers(octets, &step, &progress, limits)
                state = isFinished ? .finished : .trailers(progress)
                return step
            case .finished:
                step.isFinished = true
                return step
            }
        }
        if case .finished = state { step.isFinished = true }
        return step
    }

    // MARK: - Private

    private mutating func takeData(_ buffer: UnsafeMutableRawBufferPointer, _ step: inout Step, _ remaining: UInt64) {
        let count = Int(min(remaining, UInt64(buffer.count - step.consumed)))
        precondition(count > 0 && step.produced <= step.consumed && step.consumed + count <= buffer.count)
        if let base = buffer.baseAddress, step.produced != step.consumed {
            // SAFETY: both ranges end inside the buffer, by the line before.
            (base + step.produced).copyMemory(from: base + step.consumed, byteCount: count)
        }
        step.consumed += count
        step.produced += count
        extensionBytes = max(0, extensionBytes - count)
        state = remaining == UInt64(count) ? .dataCR : .data(remaining - UInt64(count))
    }

    private func takeTrailers(
        _ octets: Octets, _ step: inout Step, _ progress: inout HeadProgress, _ limits: HeadLimits
    ) throws(HTTPError) -> Bool {
        let section = octets.suffix(from: step.consumed, limit: limits.window)
        let isFull = octets.count - step.consumed >= limits.window
        guard progress.isWorthParsing(section, isFull: isFull) else { return false }
        guard let end = try TrailerLines.endOfSection(section, limit: limits.fields) else {
            guard !isFull else { throw HTTPError(.malformedTrailer, status: 431) }
            progress.wasIncomplete(section)
            return false
        }
        if end > 2 { step.trailers = ByteRange(start: UInt32(clamping: step.consumed), end: UInt32(clamping: step.consumed + end - 2)) }
        step.consumed += end
        step.isFinished = true
        return true
    }
}

/// chunk-size [ chunk-ext ] CRLF, as far as it was read. Extensions are checked against the grammar of RFC 9112 §7.1.1 without its "bad"
/// white space, and dropped.
struct ChunkSizeLine {
    private enum State: UInt8 {
        case digits, lineFeed
        case nameStart, name, valueStart, token, quoted, escaped, behindQuoted
        case complete
    }

    private(set) var size: UInt64 = 0
    private var digits: UInt8 = 0
    private var state = State.digits

    var isComplete: Bool { state == .complete }

    /// - Returns: the index behind the last byte that was read: the line's end or the end of the bytes.
    mutating func read(_ octets: Octets, from start: Int, extensionBytes: inout Int) throws(HTTPError) -> Int {
        var index = start
        while index < octets.count, state != .complete {
            let byte = octets[index]
            switch state {
            case .digits: try readDigit(byte)
            case .lineFeed:
                guard byte == .lf else { throw HTTPError(.malformedChunk) }
                state = .complete
            default:
                extensionBytes += 1
                try readExtension(byte)
            }
            index += 1
        }
        return index
    }

    // MARK: - Private

    private mutating func readDigit(_ byte: UInt8) throws(HTTPError) {
        if ByteClass.hexDigit.contains(byte) {
            guard digits < 16 else { throw HTTPError(.malformedChunk) }
            digits += 1
            size = size &<< 4 | UInt64(byte < 0x40 ? byte &- 0x30 : (byte | 0x20) &- 0x57)
            return
        }
        guard digits > 0, size <= UInt64(Int64.max) else { throw HTTPError(.malformedChunk) }
        state = try behindSomething(byte)
    }

    private mutating func readExtension(_ byte: UInt8) throws(HTTPError) {
        let isToken = ByteClass.token.contains(byte)
        switch state {
        case .nameStart where isToken: state = .name
        case .name where isToken: break
        case .name where byte == 0x3d: state = .valueStart
        case .valueStart where byte == 0x22: state = .quoted
        case .valueStart where isToken: state = .token
        case .token where isToken: break
        case .quoted where byte == 0x22: state = .behindQuoted
        case .quoted where byte == 0x5c: state = .escaped
        case .quoted where byte.isFieldText: break
        case .escaped where byte.isFieldText: state = .quoted
        case .name, .token, .behindQuoted: state = try behindSomething(byte)
        case .nameStart, .valueStart, .quoted, .escaped, .digits, .lineFeed, .complete: throw HTTPError(.malformedChunk)
        }
    }

    private func behindSomething(_ byte: UInt8) throws(HTTPError) -> State {
        switch byte {
        case .cr: return .lineFeed
        case 0x3b: return .nameStart
        default: throw HTTPError(.malformedChunk)
        }
    }
}
