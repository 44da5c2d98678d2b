internal import HTTP
internal import Net

/// How far one body has come: its framing on the shore it comes from. Pure but for the in-place decoding of the block it is given.
struct MessageBody {
    private enum Progress {
        case counted(UInt64)
        case chunked(ChunkedDecoder)
        case untilClose
        case finished
    }

    struct Taken {
        /// Body bytes at the front of the block.
        var produced: Int
        /// Bytes of the block that were used; what is behind them is not of this body, or must be presented again with more.
        var consumed: Int
        /// Trailer lines within the block, unmoved.
        var trailers = ByteRange()
    }

    private var progress = Progress.finished
    private let dropsTrailers: Bool
    /// Body bytes so far, framing not counted.
    private(set) var received: UInt64 = 0

    init() { dropsTrailers = false }

    /// - Parameter dropsTrailers: no trailer of this body travels on.
    init(_ framing: BodyFraming, dropsTrailers: Bool) {
        self.dropsTrailers = dropsTrailers
        switch framing {
        case .none, .length(0): progress = .finished
        case .length(let count): progress = .counted(count)
        case .chunked: progress = .chunked(ChunkedDecoder())
        case .untilClose: progress = .untilClose
        }
    }

    /// Of a stream of HTTP/2, whose end its connection tells (`endOfInput`); whether it is as long as it said, the library has judged.
    init(stream hasEnded: Bool) {
        dropsTrailers = false
        progress = hasEnded ? .finished : .untilClose
    }

    var isFinished: Bool {
        if case .finished = progress { true } else { false }
    }

    /// The end of input is the end of this body (RFC 9112 §6.3 rule 8).
    var endsWithConnection: Bool {
        if case .untilClose = progress { true } else { false }
    }

    mutating func endOfInput() { progress = .finished }

    /// Takes what belongs to the body off the front of `bytes`.
    mutating func take(_ bytes: UnsafeMutableRawBufferPointer, limits: HeadLimits) throws(HTTPError) -> Taken {
        switch progress {
        case .counted(let left):
            let count = min(left, UInt64(bytes.count))
            progress = left == count ? .finished : .counted(left - count)
            received &+= count
            return Taken(produced: Int(count), consumed: Int(count))
        case .chunked(var decoder):
            let step = try decoder.decode(bytes, limits: limits)
            progress = step.isFinished ? .finished : .chunked(decoder)
            received &+= UInt64(step.produced)
            return Taken(produced: step.produced, consumed: step.consumed, trailers: dropsTrailers ? ByteRange() : step.trailers)
        case .untilClose:
            received &+= UInt64(bytes.count)
            return Taken(produced: bytes.count, consumed: bytes.count)
        case .finished:
            return Taken(produced: 0, consumed: 0)
        }
    }
}
