internal import COpenSSL

/// How a pool's targets are spoken to: one SSL_CTX of the client side. Immutable once built; shared by the loops.
package final class TLSClientContext: Sendable {
    package struct Settings: Sendable {
        package enum Trust: Equatable, Sendable {
            /// The system's roots.
            case system
            /// The path of a PEM file.
            case authorities(String)
            /// Whoever answers is believed. Only for those who said so.
            case anyone
        }

        package var minimumVersion: TLSSettings.Version
        package var trust: Trust
        /// Offered by ALPN, the best first.
        package var protocols: [TLSProtocol]
        /// Shown to a target that asks.
        package var certificate: Certificate?
        /// Only when debugging is switched on.
        package var keyLog: KeyLog?

        package init(
            minimumVersion: TLSSettings.Version = .tls12, trust: Trust = .system, protocols: [TLSProtocol] = [.http1],
            certificate: Certificate? = nil, keyLog: KeyLog? = nil
        ) {
            self.minimumVersion = minimumVersion
            self.trust = trust
            self.protocols = protocols
            self.certificate = certificate
            self.keyLog = keyLog
        }
    }

    // SAFETY: configured in `init`, before anyone else sees it; SSL_new on it counts references atomically.
    nonisolated(unsafe) let pointer: OpaquePointer
    let verifies: Bool
    private let keyLog: KeyLog?

    package init(_ settings: Settings) throws(TLSError) {
        TLSLibrary.start()
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(TLS_client_method()) else { throw TLSError(.refused, detail: ErrorQueue.take()) }
        self.pointer = pointer
        verifies = settings.trust != .anyone
        keyLog = settings.keyLog
        try ContextRules.apply(to: pointer, minimum: settings.minimumVersion, options: sluice_client_options())
        switch settings.trust {
        case .system:
            guard SSL_CTX_set_default_verify_paths(pointer) == 1 else { throw TLSError(.refused, detail: ErrorQueue.take()) }
        case .authorities(let path): try ContextRules.trust(path, in: pointer)
        case .anyone: break
        }
        SSL_CTX_set_verify(pointer, verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if let certificate = settings.certificate { try certificate.install(in: pointer) }
        let protocols = ProtocolList(settings.protocols).bytes
        // This one returns 0 when it is content.
        guard protocols.isEmpty || SSL_CTX_set_alpn_protos(pointer, protocols, UInt32(protocols.count)) == 0 else {
            throw TLSError(.refused, detail: ErrorQueue.take())
        }
        // Tickets are kept per target by those who dial; OpenSSL keeps none.
        sluice_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
        SSL_CTX_sess_set_new_cb(pointer, Self.newSession)
        keyLog?.attach(to: pointer)
    }

    deinit { SSL_CTX_free(pointer) }

    /// 1 = the session is ours to free.
    private static let newSession: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { ssl, session in
        guard let ssl, let session, let state = TLSBridge.state(of: ssl) else { return 0 }
        if let older = state.pointee.newSession { SSL_SESSION_free(older) }
        state.pointee.newSession = session
        return 1
    }
}

/// Whom a target must be, by its certificate (RFC 9525), and whom it is asked for by SNI.
package enum PeerName: Equatable, Sendable {
    case host(String)
    /// An address in its usual text form, no brackets. SNI has no addresses (RFC 6066 §3).
    case address(String)

    func demand(of ssl: OpaquePointer, verify: Bool) throws(TLSError) {
        ERR_clear_error()
        let parameters = SSL_get0_param(ssl)
        X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS) | UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        let isTaken: Bool
        switch self {
        case .host(let text):
            guard let name = HostName.normal(text.utf8) else { throw TLSError(.refused, detail: "no host name: \(text)") }
            isTaken = sluice_SSL_set_host_name(ssl, name) == 1 && (!verify || X509_VERIFY_PARAM_set1_host(parameters, name, 0) == 1)
        case .address(let text): isTaken = !verify || X509_VERIFY_PARAM_set1_ip_asc(parameters, text) == 1
        }
        guard isTaken else { throw TLSError(.refused, detail: "\(self): \(ErrorQueue.take())") }
    }
}

/// A session that a target allows to be taken up again, with less work and one flight less. Kept by the caller beside the target it came from,
/// offered to no other. TLS 1.3 tickets are meant for one use (RFC 8446 §C.4).
package final class TLSSessionTicket {
    private let session: OpaquePointer

    init(owning session: OpaquePointer) { self.session = session }

    deinit { SSL_SESSION_free(session) }

    package var isResumable: Bool { SSL_SESSION_is_resumable(session) == 1 }

    /// A server of TLS 1.2 that takes a session up again gives no new ticket (RFC 5077 §3.3): the one at hand stays good.
    package var isForOneUse: Bool { SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION }

    func offer(on ssl: OpaquePointer) {
        if isResumable { SSL_set_session(ssl, session) }
    }
}
