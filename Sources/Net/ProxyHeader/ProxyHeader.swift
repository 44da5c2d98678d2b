/// What a PROXY header told (HAProxy's proxy-protocol.txt): whose connection this is that a balancer in front has made for somebody.
package struct ProxyHeader: Equatable, Sendable {
    /// The client; nil = the connection speaks for itself (`LOCAL`, `UNKNOWN`, a family or a transport that is not ours): the peer's own
    /// address stands.
    package var source: SocketAddress?
    /// Where the client wanted to go; nil when `source` is.
    package var destination: SocketAddress?
    /// Bytes of the header: what stands behind them is TLS's or HTTP's.
    package var length: Int

    package init(source: SocketAddress? = nil, destination: SocketAddress? = nil, length: Int) {
        self.source = source
        self.destination = destination
        self.length = length
    }

    /// The version that a sender speaks.
    package enum Version: Sendable, Equatable { case v1, v2 }
}

/// Why the first bytes of a connection are no PROXY header. The connection ends, without an answer.
package enum ProxyHeaderRefusal: Error, Equatable, Sendable {
    /// They begin with something else: a client that came without the balancer, or a balancer that does not know.
    case otherProtocol
    /// Version 1: longer than 107 bytes, or a header of version 2 longer than `ProxyHeaderParser.greatestLength`.
    case tooLong
    /// Version 1: not the words, the numbers or the line end that the rule has.
    case malformedLine
    /// Version 2: a version, command, family or transport that does not exist, addresses that do not fit in, a broken TLV.
    case malformedBlock
    /// Version 2: the CRC32c that the sender put in is not that of the bytes.
    case checksum

    /// What was wrong, for operators.
    package var text: String {
        switch self {
        case .otherProtocol: "it begins with something else"
        case .tooLong: "too long"
        case .malformedLine: "malformed line (version 1)"
        case .malformedBlock: "malformed block (version 2)"
        case .checksum: "wrong checksum"
        }
    }
}
