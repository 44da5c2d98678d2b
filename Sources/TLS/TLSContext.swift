internal import COpenSSL

/// One SSL_CTX of the server side: certificates of one name, of different key types (OpenSSL chooses by the client's signature algorithms),
/// and the listener's settings. Immutable once built; shared by the loops.
final class TLSContext: Sendable {
    // SAFETY: configured in `init`, before anyone else sees it; SSL_new on it counts references atomically.
    nonisolated(unsafe) let pointer: OpaquePointer
    private let certificates: [Certificate]
    private let protocols: ProtocolList
    /// Held for the callback.
    private let keyLog: KeyLog?

    init(settings: TLSSettings, certificates: [Certificate]) throws(TLSError) {
        TLSLibrary.start()
        ERR_clear_error()
        guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw TLSError(.refused, detail: ErrorQueue.take()) }
        self.pointer = pointer
        self.certificates = certificates
        protocols = ProtocolList(settings.protocols)
        keyLog = settings.keyLog
        try ContextRules.apply(to: pointer, minimum: settings.minimumVersion, options: sluice_server_options())
        for certificate in certificates { try certificate.install(in: pointer) }
        try askClients(settings.clientCertificates)
        // Stateless resumption only: nothing to share between loops and processes but the keys.
        sluice_SSL_CTX_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_num_tickets(pointer, max(0, settings.tickets))
        SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer, TicketSealing.callback)
        SSL_CTX_set_alpn_select_cb(pointer, Self.chooseProtocol, Unmanaged.passUnretained(protocols).toOpaque())
        if certificates.contains(where: { $0.staple != nil }) {
            sluice_SSL_CTX_set_status(pointer, Self.staple, Unmanaged.passUnretained(self).toOpaque())
        }
        keyLog?.attach(to: pointer)
    }

    deinit { SSL_CTX_free(pointer) }

    // MARK: - Private

    private func askClients(_ wish: TLSSettings.ClientCertificates) throws(TLSError) {
        var scope: [UInt8] = []
        switch wish {
        case .ignored: scope = [0]
        case .optional(let authorities):
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
            scope = [1] + (try trust(authorities))
        case .required(let authorities):
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
            scope = [2] + (try trust(authorities))
        }
        // All listeners share the ticket keys: a session that one of them opened without a client certificate, or with one of other
        // authorities, must not be taken up by another. The scope of a session is therefore what is asked of clients.
        var digest = [UInt8](repeating: 0, count: Int(SSL_MAX_SID_CTX_LENGTH))
        var length: UInt32 = 0
        guard EVP_Digest(scope, scope.count, &digest, &length, EVP_sha256(), nil) == 1,
            SSL_CTX_set_session_id_context(pointer, digest, length) == 1
        else { throw TLSError(.refused, detail: ErrorQueue.take()) }
    }

    private func trust(_ authorities: String) throws(TLSError) -> [UInt8] {
        let bytes = try PEMFile.bytes(of: authorities)
        try ContextRules.trust(authorities, in: pointer)
        guard let names = SSL_load_client_CA_file(authorities) else {
            throw TLSError(.noCertificate, file: authorities, detail: ErrorQueue.take())
        }
        SSL_CTX_set_client_CA_list(pointer, names)
        return bytes
    }

    private typealias ProtocolCallback =
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?, UnsafePointer<UInt8>?, UInt32,
            UnsafeMutableRawPointer?
        ) -> Int32

    /// Called only when the client sends ALPN; without, HTTP/1.1 is spoken. Nothing in common: alert no_application_protocol (RFC 7301 §3.2).
    private static let chooseProtocol: ProtocolCallback = { _, chosen, chosenLength, offered, offeredLength, list in
        guard let chosen, let chosenLength, let offered, let list else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let ours = Unmanaged<ProtocolList>.fromOpaque(list).takeUnretainedValue().bytes
        return ours.withUnsafeBufferPointer { ours in
            var found: UnsafeMutablePointer<UInt8>?
            guard
                SSL_select_next_proto(&found, chosenLength, ours.baseAddress, UInt32(ours.count), offered, offeredLength)
                    == OPENSSL_NPN_NEGOTIATED
            else { return SSL_TLSEXT_ERR_ALERT_FATAL }
            // Points into `ours`, whose storage the context keeps; OpenSSL copies it at once.
            chosen.pointee = UnsafePointer(found)
            return SSL_TLSEXT_ERR_OK
        }
    }

    private static let staple: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { ssl, context in
        guard let ssl, let context else { return SSL_TLSEXT_ERR_NOACK }
        let certificates = Unmanaged<TLSContext>.fromOpaque(context).takeUnretainedValue().certificates
        let leaf = SSL_get_certificate(ssl)
        guard let staple = certificates.first(where: { $0.leaf == leaf })?.staple,
            let copy = CRYPTO_memdup(staple, staple.count, #file, #line)
        else { return SSL_TLSEXT_ERR_NOACK }
        sluice_SSL_set_ocsp_response(ssl, copy, staple.count)
        return SSL_TLSEXT_ERR_OK
    }
}
