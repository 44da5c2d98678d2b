/// Takes the chunk framing off a body in place (RFC 9112 §7.1). Strict: bare LF, white space, signs, more than 16 hex digits,
/// over-long extensions are refused.
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

    package init() {}

    package mutating func decode(_ buffer: UnsafeMutableRawBufferPointer, limits: HeadLimits) throws(HTTPError) -> Step {
        throw HTTPError(.malformedChunk)
    }
}
