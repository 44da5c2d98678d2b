/// Why a message was refused. A request is answered with `status` and the connection closed; a response becomes 502.
package struct HTTPError: Error, Equatable, Sendable {
    package enum Reason: UInt8, Sendable {
        case malformedRequestLine, unsupportedVersion, targetTooLong
        case malformedField, headTooLarge, tooManyFields
        case missingHost, duplicateHost, invalidHost
        case conflictingFraming, invalidContentLength, unsupportedTransferEncoding
        case malformedChunk, malformedTrailer
        case malformedStatusLine, unexpectedUpgrade
    }
    package var reason: Reason
    /// 400, 414, 431, 501 or 505.
    package var status: UInt16
    package init(_ reason: Reason, status: UInt16 = 400) {
        self.reason = reason
        self.status = status
    }
}
