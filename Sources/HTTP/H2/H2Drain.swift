/// How far the end of a connection has come (RFC 9113 §6.8): a notice that names no stream, a PING and its answer (so that what the peer
/// sent before it read the notice has come in), then the true last stream.
struct H2Drain {
    enum Phase: Equatable {
        case none
        /// GOAWAY with 2³¹−1 is queued.
        case noticeQueued
        /// It has gone out: the PING is due.
        case noticeSent
        /// The PING is on its way.
        case waiting
        /// Its answer is here, or nobody wants to wait for it: the last GOAWAY is due.
        case final
        /// The last GOAWAY is queued or sent; it names this stream. Later ones are not told: the peer sends them again elsewhere.
        case announced(Int32)
    }

    enum Ping: UInt32 {
        case keepAlive = 0x4b50_4148
        case drain = 0x4b50_4152
    }

    var phase = Phase.none
    /// The highest stream of the peer that was told.
    var lastTold: Int32 = 0

    var isDue: Bool { phase == .noticeSent || phase == .final }

    /// The stream is beyond what we have said we would take.
    func excludes(_ id: Int32) -> Bool {
        if case .announced(let last) = phase { return id > last }
        return false
    }
}
