/// Bounds of one HTTP/2 connection. The defaults let the busiest honest peers pass by a factor of ten or more.
package struct H2Limits: Sendable {
    /// Streams that the peer may have open (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var concurrentStreams: UInt32 = 128
    /// Bytes that may be on their way on one stream, not yet taken by the other shore; 65,535 to 2³¹−1.
    package var streamWindow: Int32 = 262_144
    /// The same for the whole connection.
    package var connectionWindow: Int32 = 1_048_576
    /// Of one head or trailer section as RFC 9113 §6.5.2 counts it: names, values and 32 bytes for each field.
    package var headerListBytes: Int = 65_536
    package var headerFields: Int = 128
    /// Extended CONNECT (RFC 8441) is offered.
    package var offersWebSocket = true

    /// Streams that the peer opens and resets, and those that we reset for what the peer did on them.
    package var resets = H2Rate(perSecond: 40, burst: 400)
    /// SETTINGS, PING, PRIORITY, GOAWAY, frames of types that we do not know, and frames on which nothing depends.
    package var controlFrames = H2Rate(perSecond: 100, burst: 1_000)
    /// DATA without content (padding is none) that does not end its stream.
    package var emptyFrames = H2Rate(perSecond: 20, burst: 200)
    /// WINDOW_UPDATE beyond what our own DATA gives cause for.
    package var windowUpdates = H2Rate(perSecond: 1_000, burst: 5_000)
    /// CONTINUATION frames of one header block.
    package var continuations = 8
    /// Field bytes that one header block may come to after decompression before the connection, not only its stream, is given up:
    /// as a multiple of `headerListBytes`.
    package var bombFactor = 4

    package init() {}
}

/// So many a second, and that many at once.
package struct H2Rate: Equatable, Sendable {
    package var perSecond: UInt32
    package var burst: UInt32
    package init(perSecond: UInt32, burst: UInt32) {
        self.perSecond = perSecond
        self.burst = burst
    }
}
