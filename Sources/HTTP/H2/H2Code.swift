/// An error code of RFC 9113 §7, as RST_STREAM and GOAWAY bear it. Peers may send any number.
package struct H2Code: Equatable, Sendable {
    package var number: UInt32
    package init(number: UInt32) { self.number = number }

    package static var noError: H2Code { H2Code(number: 0x0) }
    package static var protocolError: H2Code { H2Code(number: 0x1) }
    package static var internalError: H2Code { H2Code(number: 0x2) }
    package static var streamClosed: H2Code { H2Code(number: 0x5) }
    /// The stream was not processed in any way (§8.7): its request may be sent again, whatever its method.
    package static var refusedStream: H2Code { H2Code(number: 0x7) }
    package static var cancel: H2Code { H2Code(number: 0x8) }
    package static var enhanceYourCalm: H2Code { H2Code(number: 0xb) }
    /// The peer wants the request over HTTP/1.1.
    package static var http11Required: H2Code { H2Code(number: 0xd) }
}

/// Why a connection is over. What is still to be sent (a GOAWAY, as a rule) waits in the session: flush it once, then close.
package struct H2Error: Error, Equatable, Sendable {
    package enum Reason: Equatable, Sendable {
        /// What came first is not the preface of RFC 9113 §3.4.
        case notH2
        /// The peer did something too often, or too much of it.
        case flood(H2Guard.Offence)
        /// The peer broke a rule that the library does not watch over.
        case violation(H2Code)
        /// The library gave up, with this number of its own.
        case library(Int32)
    }
    package var reason: Reason
    package init(_ reason: Reason) { self.reason = reason }
}
