/// What a TLS listener is to do; the same for all its certificates.
package struct TLSSettings: Sendable {
    package enum Version: Sendable { case tls12, tls13 }

    package enum ClientCertificates: Equatable, Sendable {
        case ignored
        /// Asked for; one that is sent must be good.
        case optional(authorities: String)
        /// The path of a PEM file of the authorities that may have signed it.
        case required(authorities: String)
    }

    package var minimumVersion: Version
    /// Offered by ALPN, the best first.
    package var protocols: [TLSProtocol]
    package var clientCertificates: ClientCertificates
    /// Tickets after a full TLS 1.3 handshake. One is enough for clients that keep a connection; it costs less than two.
    package var tickets: Int
    /// Only when debugging is switched on.
    package var keyLog: KeyLog?

    package init(
        minimumVersion: Version = .tls12, protocols: [TLSProtocol] = [.http2, .http1], clientCertificates: ClientCertificates = .ignored,
        tickets: Int = 1, keyLog: KeyLog? = nil
    ) {
        self.minimumVersion = minimumVersion
        self.protocols = protocols
        self.clientCertificates = clientCertificates
        self.tickets = tickets
        self.keyLog = keyLog
    }
}

/// What is spoken inside (RFC 7301).
package enum TLSProtocol: Sendable {
    case http2
    case http1

    package var name: StaticString {
        switch self {
        case .http2: "h2"
        case .http1: "http/1.1"
        }
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        for candidate in [TLSProtocol.http2, .http1]
        where candidate.name.withUTF8Buffer({ $0.elementsEqual(bytes) }) {
            self = candidate
            return
        }
        return nil
    }
}

/// Protocols as they stand in a hello: a length before each name. Immutable.
final class ProtocolList: Sendable {
    let bytes: [UInt8]

    init(_ protocols: [TLSProtocol]) {
        bytes = protocols.flatMap { item in
            item.name.withUTF8Buffer { [UInt8(truncatingIfNeeded: $0.count)] + Array($0) }
        }
    }
}
