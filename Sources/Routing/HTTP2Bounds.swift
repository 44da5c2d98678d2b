internal import Config
package import HTTP
package import Net

/// How HTTP/2 connections are kept in bounds; meanings as in `HTTP2Configuration`.
package struct HTTP2Bounds: Sendable {
    /// For connections of clients.
    package var server: H2Limits
    /// For connections to targets.
    package var client: H2Limits
    /// Zero = never.
    package var pingInterval: TimeSpan
    package var pingTimeout: TimeSpan

    init(_ file: HTTP2Configuration, limits: LimitConfiguration) {
        var bounds = H2Limits()
        bounds.concurrentStreams = UInt32(clamping: file.maxStreams)
        bounds.streamWindow = Int32(clamping: file.streamWindow)
        bounds.connectionWindow = Int32(clamping: file.connectionWindow)
        bounds.headerListBytes = limits.headerBytes
        bounds.headerFields = limits.headerCount
        bounds.resets = H2Rate(file.resetsPerSecond)
        bounds.controlFrames = H2Rate(file.controlFramesPerSecond)
        server = bounds
        // Targets are ours: what they may do to us is bounded, not rationed.
        let boundless = H2Rate(perSecond: .max, burst: .max)
        (bounds.resets, bounds.emptyFrames, bounds.windowUpdates) = (boundless, boundless, boundless)
        // What waits for slow clients is bounded by the streams' windows; were there less room for all of them together, a few such clients
        // would hold up everybody else's answers on the connection.
        bounds.connectionWindow = .max
        bounds.offersWebSocket = false
        client = bounds
        pingInterval = TimeSpan(file.pingInterval)
        pingTimeout = TimeSpan(file.pingTimeout)
    }
}

extension H2Rate {
    fileprivate init(_ perSecond: Int) {
        let rate = UInt32(clamping: perSecond)
        self.init(perSecond: rate, burst: UInt32(clamping: Int64(rate) * 10))
    }
}
