package import Config
package import Net
package import TLS

/// What a listener asks of its connections. Immutable, part of a snapshot: a connection goes by the policy that was live when it came,
/// but for `maxConnectionAge`, which is asked of it as it goes.
package final class ListenerPolicy: Sendable {
    package let name: String
    /// Without TLS: HTTP/2 with prior knowledge is understood. With TLS: ALPN has chosen, and the certificates' contexts know.
    package let speaksHTTP2: Bool
    package let speaksHTTP1: Bool
    /// nil = no TLS.
    package let certificates: CertificateStore?
    package let handshakeTimeout: TimeSpan
    /// New connections of one client address per second; 0 = any number.
    package let handshakeRate: Int
    /// Connections of trusted peers begin with a PROXY header.
    package let acceptsProxyProtocol: Bool
    /// nil = requests are served.
    package let redirectsToHTTPS: UInt16?
    /// A field line with its CRLF, on every response; empty = none.
    package let hsts: [UInt8]
    /// Client certificates are asked for and passed on (RFC 9440).
    package let asksForClientCertificate: Bool
    /// Zero = never.
    package let maxConnectionAge: TimeSpan

    package init(_ file: ListenerConfiguration, certificates: CertificateStore?) {
        name = file.name
        speaksHTTP2 = file.protocols.contains { $0 != .http1 }
        speaksHTTP1 = file.protocols.contains(.http1)
        self.certificates = certificates
        handshakeTimeout = TimeSpan(file.tls?.handshakeTimeout ?? .zero)
        handshakeRate = file.tls?.handshakeRate ?? 0
        acceptsProxyProtocol = file.acceptsProxyProtocol
        redirectsToHTTPS = file.redirectsToHTTPS
        hsts = file.tls?.hsts?.fieldLine ?? []
        asksForClientCertificate = file.tls?.clientCA != nil
        maxConnectionAge = TimeSpan(file.maxConnectionAge)
        isPlain = certificates == nil && !speaksHTTP2
    }

    /// Nothing but HTTP/1.1 from the first byte on.
    package let isPlain: Bool

    /// When a connection that came at `birth` is asked to end, give or take a tenth: those that came together do not go together.
    package func endOfAge(bornAt birth: Instant) -> Instant {
        guard maxConnectionAge.nanoseconds > 0 else { return .never }
        return birth + TimeSpan(nanoseconds: Int64(Double(maxConnectionAge.nanoseconds) * Double.random(in: 0.9...1.1)))
    }

    /// For a socket whose listener no snapshot knows.
    package static func plain(named name: String) -> ListenerPolicy {
        ListenerPolicy(ListenerConfiguration(name: name, bind: []), certificates: nil)
    }
}

extension HSTSConfiguration {
    fileprivate var fieldLine: [UInt8] {
        var line = "Strict-Transport-Security: max-age=\(maxAge.components.seconds)"
        if includesSubdomains { line += "; includeSubDomains" }
        if preload { line += "; preload" }
        return Array((line + "\r\n").utf8)
    }
}
