internal import COpenSSL

/// The library itself.
package enum TLSLibrary {
    private static let started: Bool = OPENSSL_init_ssl(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) == 1

    /// Early in `main`, before anything else of OpenSSL is used; contexts see to it too. OpenSSL must not clean up at `exit`, when loops may
    /// still be inside it.
    package static func start() { precondition(started, "OpenSSL does not start") }
}
