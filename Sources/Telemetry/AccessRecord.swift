package import Net

/// One finished exchange as the log sees it. Byte fields point into the exchange's retained head and live only for the call that encodes them.
package struct AccessRecord {
    package var wallClock: Int64 = 0  // microseconds since 1970, when the exchange began
    package var requestID = UnsafeRawBufferPointer(start: nil, count: 0)
    package var client = SocketAddress.unix(path: nil)
    package var method = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The request-target as received.
    package var target = UnsafeRawBufferPointer(start: nil, count: 0)
    package var host = UnsafeRawBufferPointer(start: nil, count: 0)
    package var minorVersion: UInt8 = 1
    /// HTTP/2.0, whatever `minorVersion` says.
    package var isHTTP2 = false
    package var userAgent = UnsafeRawBufferPointer(start: nil, count: 0)
    package var referer = UnsafeRawBufferPointer(start: nil, count: 0)
    package var status: UInt16 = 0
    /// Body and head bytes received from the client / sent to it.
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    /// Names out of the configuration, UTF-8; empty = that far it did not come.
    package var listener = UnsafeRawBufferPointer(start: nil, count: 0)
    package var route = UnsafeRawBufferPointer(start: nil, count: 0)
    package var service = UnsafeRawBufferPointer(start: nil, count: 0)
    package var pool = UnsafeRawBufferPointer(start: nil, count: 0)
    package var chosenBy = ChosenBy.nobody
    /// Place of the rule in the configuration file; empty = none decided.
    package var rule = UnsafeRawBufferPointer(start: nil, count: 0)
    package var upstream = UnsafeRawBufferPointer(start: nil, count: 0)
    package var epoch: UInt64 = 0
    package var attempts: UInt8 = 0
    package var upstreamConnectionReused = false
    /// Microseconds, each phase for itself, one after the other: waiting for a place, getting a connection, waiting for the response;
    /// -1 = the phase was not reached.
    package var queueTime: Int64 = -1
    package var connectTime: Int64 = -1
    package var firstByteTime: Int64 = -1
    package var totalTime: Int64 = 0
    package var endedBy = EndedBy.nobody
    package var phase = ExchangePhase.done

    package init() {}
}

/// What put the exchange on its pool.
package enum ChosenBy: UInt8, Sendable {
    /// No pool was chosen.
    case nobody = 0
    case split, sticky, rule
}
