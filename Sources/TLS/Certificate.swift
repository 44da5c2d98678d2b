internal import COpenSSL
internal import Glibc

/// Where one certificate lies.
package struct CertificateFiles: Hashable, Sendable {
    /// The host's certificate, then the chain up to, but without, the root.
    package let certificate: String
    package let key: String
    /// An OCSP response in DER form, perhaps.
    package let staple: String?

    package init(certificate: String, key: String, staple: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.staple = staple
    }
}

/// A certificate with its chain and key, checked. Immutable.
package final class Certificate: Sendable {
    package let files: CertificateFiles
    /// DNS names in lower case, wildcards as "*.example.com", then addresses.
    package let names: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    package let notAfter: Int64
    /// "RSA", "EC", "ED25519".
    package let keyType: String
    /// Of the certificate and its chain, SHA-256 in hexadecimal: two with the same are the same, whatever their files are called. It stands for
    /// the key, too, which fits no other certificate.
    package let digest: String
    /// The OCSP response to show, if a usable one was given.
    let staple: [UInt8]?
    /// Until when it may be shown: seconds since 1970; nil = there is none, or it names no end.
    package let stapleEnd: Int64?
    /// Why the staple that was given is not shown; its certificate serves without it.
    package let stapleError: TLSError?

    // SAFETY: set in `init` alone; OpenSSL counts references to it atomically and only reads it afterwards. So with the next two.
    nonisolated(unsafe) let leaf: OpaquePointer
    // SAFETY: as `leaf`.
    nonisolated(unsafe) let chain: OpaquePointer
    // SAFETY: as `leaf`.
    private nonisolated(unsafe) let key: OpaquePointer

    /// Reads the files; whether its time has come is `check(at:)`.
    /// - Parameter needsName: false for one that a client shows, which may name nobody.
    package init(files: CertificateFiles, needsName: Bool = true) throws(TLSError) {
        let (leaf, chain) = try PEMFile.certificates(in: files.certificate)
        self.leaf = leaf
        self.chain = chain
        let key: OpaquePointer
        do {
            key = try PEMFile.key(in: files.key)
        } catch {
            X509_free(leaf)
            sluice_chain_free(chain)
            throw error
        }
        self.key = key
        self.files = files
        names = CertificateNames.of(leaf)
        notBefore = Self.seconds(X509_get0_notBefore(leaf))
        notAfter = Self.seconds(X509_get0_notAfter(leaf))
        keyType = EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown"
        digest = CertificateDigest.of(leaf, chain)
        (staple, stapleEnd, stapleError) = Staple.read(files.staple)
        ERR_clear_error()
        guard X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw TLSError(.keyDoesNotMatch, file: files.key, detail: files.certificate)
        }
        guard !needsName || !names.isEmpty else { throw TLSError(.noName, file: files.certificate) }
    }

    /// The same certificate with another OCSP response, which has been verified.
    /// - Parameter end: until when it may be shown: seconds since 1970.
    package init(_ other: Certificate, staple: [UInt8], end: Int64) throws(TLSError) {
        guard let chain = X509_chain_up_ref(other.chain) else {
            throw TLSError(.refused, file: other.files.certificate, detail: ErrorQueue.take())
        }
        X509_up_ref(other.leaf)
        EVP_PKEY_up_ref(other.key)
        (leaf, self.chain, key) = (other.leaf, chain, other.key)
        (files, names, keyType, digest) = (other.files, other.names, other.keyType, other.digest)
        (notBefore, notAfter) = (other.notBefore, other.notAfter)
        (self.staple, stapleEnd, stapleError) = (staple, end, nil)
    }

    deinit {
        X509_free(leaf)
        sluice_chain_free(chain)
        EVP_PKEY_free(key)
    }

    /// `now` in seconds since 1970.
    package func check(at now: Int64) throws(TLSError) {
        if now < notBefore { throw TLSError(.notYetValid(until: notBefore), file: files.certificate) }
        if now > notAfter { throw TLSError(.expired(since: notAfter), file: files.certificate) }
    }

    /// The same for clients: certificate, chain and staple.
    package func isSame(as other: Certificate) -> Bool { digest == other.digest && staple == other.staple }

    /// It has a staple that must not be shown any more. `now` in seconds since 1970.
    package func hasStaleStaple(at now: Int64) -> Bool { stapleEnd.map { now >= $0 } ?? false }

    /// Beside the certificates of other key types that the context already has.
    func install(in context: OpaquePointer) throws(TLSError) {
        ERR_clear_error()
        guard SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) == 1 else {
            throw TLSError(.refused, file: files.certificate, detail: ErrorQueue.take())
        }
    }

    private static func seconds(_ time: OpaquePointer?) -> Int64 { time.flatMap { ASN1Time.seconds(UnsafePointer($0)) } ?? 0 }
    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 { time.flatMap { ASN1Time.seconds($0) } ?? 0 }
}

enum ASN1Time {
    /// Since 1970; nil for what is no time.
    static func seconds(_ time: UnsafePointer<ASN1_TIME>) -> Int64? {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Int64(timegm(&parts))
    }
}
