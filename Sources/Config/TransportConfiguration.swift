/// What a listener speaks with its clients.
package enum ListenerProtocol: Sendable, Equatable, CaseIterable {
    case http1
    /// HTTP/2 by ALPN; needs `tls`.
    case h2
    /// HTTP/2 with prior knowledge (RFC 9113 §3.3), told from HTTP/1.1 by its preface; never with `tls`.
    case h2c
}

package enum TLSVersion: Sendable, Equatable { case tls12, tls13 }

/// One certificate as files; paths as the file writes them, relative ones made absolute against the file's folder.
package struct CertificateConfiguration: Sendable, Hashable {
    package var certificate: String
    package var key: String
    /// OCSP response in DER form; nil = none, or fetched where `ListenerTLSConfiguration.fetchesOCSP`.
    package var ocsp: String?
    package init(certificate: String, key: String, ocsp: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.ocsp = ocsp
    }
}

package struct ListenerTLSConfiguration: Sendable, Equatable {
    package enum ClientAuthentication: Sendable, Equatable { case required, optional }

    /// Never empty. The first one is for clients that name no host of ours.
    package var certificates: [CertificateConfiguration]
    package var minimumVersion: TLSVersion = .tls12
    /// PEM file of the authorities of client certificates; nil = none are asked for.
    package var clientCA: String?
    package var clientAuthentication = ClientAuthentication.required
    /// Ask the responders that the certificates name, in the background, for those without an `ocsp` file.
    package var fetchesOCSP = false
    /// From accept to the end of the handshake.
    package var handshakeTimeout: Duration = Defaults.handshakeTimeout
    /// New connections that one client address may begin per second, all loops together; 0 = any number.
    package var handshakeRate: Int = Defaults.handshakeRate
    /// `Strict-Transport-Security` on every response (RFC 6797); nil = none.
    package var hsts: HSTSConfiguration?
    package init(certificates: [CertificateConfiguration]) { self.certificates = certificates }
}

package struct HSTSConfiguration: Sendable, Equatable {
    package var maxAge: Duration
    package var includesSubdomains = false
    package var preload = false
    package init(maxAge: Duration) { self.maxAge = maxAge }
}

/// What a pool's targets speak.
package enum UpstreamProtocol: Sendable, Equatable {
    case http1
    /// HTTP/2 over TLS, by ALPN.
    case h2
    /// HTTP/2 without TLS.
    case h2c
}

/// TLS towards a pool's targets. Verification is on unless the file says otherwise.
package struct PoolTLSConfiguration: Sendable, Hashable {
    /// PEM file of trusted authorities; nil = the system's.
    package var ca: String?
    package var verifies = true
    /// SNI, and the name that the certificate must have; nil = the host of the target as written.
    package var serverName: String?
    /// Shown to targets that ask.
    package var certificate: CertificateConfiguration?
    package var minimumVersion: TLSVersion = .tls12
    package init() {}
}

/// The PROXY protocol as it is sent to a pool's targets.
package enum ProxyProtocolVersion: Sendable, Equatable { case v1, v2 }

/// How HTTP/2 connections are kept in bounds (`defaults.http2`).
package struct HTTP2Configuration: Sendable, Equatable {
    /// Streams that a client may have open at once on one connection.
    package var maxStreams: Int = Defaults.http2MaxStreams
    /// Bytes of one stream's body that may wait for the other side.
    package var streamWindow: Int = Defaults.http2StreamWindow
    /// The same for all streams of a connection together.
    package var connectionWindow: Int = Defaults.http2ConnectionWindow
    /// Resets that a peer may cause per second (CVE-2023-44487, CVE-2025-8671), after a burst of ten times as many.
    package var resetsPerSecond: Int = Defaults.http2ResetsPerSecond
    /// SETTINGS, PING and PRIORITY frames, and empty DATA, per second.
    package var controlFramesPerSecond: Int = Defaults.http2ControlFramesPerSecond
    /// Silence after which an HTTP/2 connection with open streams, or one to a target, is asked for a sign of life; 0 = never.
    package var pingInterval: Duration = Defaults.http2PingInterval
    /// How long the answer may take.
    package var pingTimeout: Duration = Defaults.http2PingTimeout
    package init() {}
}
