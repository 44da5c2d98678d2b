/// What a client has ended of its streams. The library forgets closed streams and passes over what still comes on them, since it cannot
/// tell who closed first; the client's own END_STREAM and RST_STREAM can: behind them nothing may follow (RFC 9113 §5.1), while frames on
/// a stream that *we* reset are merely late.
struct H2ClientSide: Sendable {
    /// Streams that the client has opened and not ended; oldest first. Requests without content never come here.
    private var unfinished: [UInt32] = []
    /// The highest stream that it has opened.
    private var highest: UInt32 = 0
    /// Above so many, those that no session keeps are forgotten: streams that we reset and the client, rightly, never ended.
    private let mark: Int

    init(_ limits: H2Limits) { mark = Int(limits.concurrentStreams) + 128 }

    /// A frame header came in.
    ///
    /// - Returns: what is wrong about it, nil when nothing is or the library will say so. STREAM_CLOSED on a stream that the client has
    ///   ended, or has passed over by opening a higher one.
    mutating func offence(of frame: H2FrameHeader) -> H2Code? {
        switch frame.type {
        case H2FrameHeader.headers where frame.stream > highest:
            // Streams of even number, as idle ones below, are the library's to refuse.
            guard frame.stream & 1 == 1 else { return nil }
            highest = frame.stream
            if !frame.has(H2FrameHeader.endStream) { unfinished.append(frame.stream) }
            return nil
        case H2FrameHeader.headers, H2FrameHeader.data:
            guard frame.stream & 1 == 1, frame.stream <= highest else { return nil }
            // The newest are the likeliest.
            guard let index = unfinished.lastIndex(of: frame.stream) else { return .streamClosed }
            if frame.has(H2FrameHeader.endStream) { unfinished.remove(at: index) }
            return nil
        case H2FrameHeader.resetStream:
            if let index = unfinished.lastIndex(of: frame.stream) { unfinished.remove(at: index) }
            return nil
        case H2FrameHeader.priority:
            // We ignore priorities, and the library these frames with them; what is wrong stays wrong (§6.3; RFC 7540 §5.3.1).
            return frame.stream == 0 || frame.dependsOn == frame.stream ? .protocolError : nil
        default: return nil
        }
    }

    /// To be called when the library has seen all frames that came by here.
    mutating func forget(unless isKept: (Int32) -> Bool) {
        guard unfinished.count > mark else { return }
        unfinished.removeAll { !isKept(Int32(truncatingIfNeeded: $0)) }
    }
}
