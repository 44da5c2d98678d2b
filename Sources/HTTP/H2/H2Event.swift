/// A stream of one session. Identifiers never come back within a connection, so an old handle is known as such and does nothing.
package struct H2Stream: Equatable, Sendable {
    package var id: Int32
    /// Where the session keeps it: below the greatest number of streams that were open at once, and given again only behind `closed`.
    package internal(set) var slot: UInt32
    /// The caller's own number for it, as `H2Session.setUser` left it; 0 at first.
    package var user: UInt32
}

/// What came of bytes received or sent. Ranges and indices are good until the session receives again.
package enum H2Event: Equatable, Sendable {
    /// Server: a request begins; index into `H2Session.heads`.
    case request(H2Stream, head: Int)
    /// Client: 1xx other than 101.
    case interim(H2Stream, head: Int)
    /// Client: the final response's head.
    case response(H2Stream, head: Int)
    /// Content: a range of the bytes that were given to `receive`. To be answered by `consume`, now or later.
    case data(H2Stream, ByteRange)
    case trailers(H2Stream, head: Int)
    /// The peer is done with its side.
    case end(H2Stream)
    /// The stream is gone and its handle dead. `.noError` after both sides ended; anything else is a reset, from the peer or from us.
    /// `byPeer` is false when the caller asked for it, true also where we had to reset a stream for what the peer did on it.
    /// `.refusedStream` also for requests beyond a GOAWAY's last identifier: they may be sent again anywhere.
    case closed(H2Stream, H2Code, byPeer: Bool)
    /// The peer takes no more streams; those above `last` are told as closed.
    case goAway(last: Int32, H2Code)
    /// The peer's SETTINGS apply; `H2Session.canOpen` and the like may have changed.
    case settings
    /// The answer to `H2Session.ping`, with its number.
    case pong(UInt32)
}
