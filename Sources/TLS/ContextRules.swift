internal import COpenSSL

/// What every context of ours has: RFC 9325, and the modes that keep idle connections small.
enum ContextRules {
    /// AEAD with forward secrecy only (RFC 9325 §4.2); the short key first, it is as good and quicker. Clients that put ChaCha20 first have no
    /// AES in hardware and get it.
    private static let ciphers = """
        ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
        ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305
        """
    private static let suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    private static let groups = "X25519:P-256"
    /// How long a session may be taken up again: seconds.
    private static let sessionLifetime = 7200

    static func apply(to context: OpaquePointer, minimum: TLSSettings.Version, options: UInt64) throws(TLSError) {
        ERR_clear_error()
        let version = minimum == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
        guard sluice_SSL_CTX_set_min_proto_version(context, version) == 1, SSL_CTX_set_cipher_list(context, ciphers) == 1,
            SSL_CTX_set_ciphersuites(context, suites) == 1, sluice_SSL_CTX_set1_groups_list(context, groups) == 1
        else { throw TLSError(.refused, detail: ErrorQueue.take()) }
        SSL_CTX_set_options(context, options)
        // The chain is what the file says, not what could be built from the authorities of clients.
        sluice_SSL_CTX_set_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN))
        // A record's head and body, and the next records, by one read.
        sluice_SSL_CTX_set_read_ahead(context, 1)
        SSL_CTX_set_timeout(context, sessionLifetime)
    }

    /// Trust for the other side's certificates from a PEM file.
    static func trust(_ authorities: String, in context: OpaquePointer) throws(TLSError) {
        _ = try PEMFile.bytes(of: authorities)
        ERR_clear_error()
        guard SSL_CTX_load_verify_file(context, authorities) == 1 else {
            throw TLSError(.noCertificate, file: authorities, detail: ErrorQueue.take())
        }
    }
}
