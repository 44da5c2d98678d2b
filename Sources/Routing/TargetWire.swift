package import Net
package import TLS

/// How a target is spoken to. Immutable; targets with different ones are different targets (`TargetIdentity.wire`).
package struct TargetWire: Sendable {
    package enum ProxyHeader: Sendable, Equatable {
        case none, v1, v2
        package var version: Net.ProxyHeader.Version? {
            switch self {
            case .none: nil
            case .v1: .v1
            case .v2: .v2
            }
        }
    }

    /// HTTP/2; without TLS with prior knowledge.
    package var isHTTP2 = false
    /// nil = no TLS.
    package var tls: TLSClientContext?
    /// Whom the certificate must name, and SNI; nil without TLS.
    package var peer: PeerName?
    package var proxyHeader = ProxyHeader.none

    package init() {}

    /// HTTP/1.1 without TLS.
    package static let plain = TargetWire()
}

/// Key material for a snapshot, made by the control plane: what the files of a configuration hold, read and checked.
package struct KeyMaterial: Sendable {
    /// By the listener's name.
    package var listeners: [String: CertificateStore] = [:]
    package var pools: [PoolName: ClientMaterial] = [:]

    package struct PoolName: Hashable, Sendable {
        package var service: String
        package var pool: String
        package init(service: String, pool: String) {
            self.service = service
            self.pool = pool
        }
    }

    package struct ClientMaterial: Sendable {
        package var context: TLSClientContext
        /// Tells contexts apart that mean different things: a digest of settings and files.
        package var digest: String
        package init(context: TLSClientContext, digest: String) {
            self.context = context
            self.digest = digest
        }
    }

    package init() {}
}
