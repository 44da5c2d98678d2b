internal import COpenSSL

/// What certificates are recognised by.
enum CertificateDigest {
    /// SHA-256 over the SHA-256 of each, in order; hexadecimal.
    static func of(_ leaf: OpaquePointer, _ chain: OpaquePointer) -> String {
        var parts = one(leaf)
        for index in 0..<max(0, sluice_chain_count(chain)) {
            if let next = sluice_chain_at(chain, index) { parts += one(next) }
        }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        // Both fail for want of memory alone, and then nothing else goes on either.
        precondition(EVP_Digest(parts, parts.count, &digest, &length, EVP_sha256(), nil) == 1, "OpenSSL computes no SHA-256")
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func one(_ certificate: OpaquePointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        precondition(X509_digest(certificate, EVP_sha256(), &digest, &length) == 1, "OpenSSL computes no SHA-256")
        return digest
    }
}

/// A PEM file of authorities that is known to be readable to its end.
package struct Authorities: Equatable, Sendable {
    package let path: String
    /// Of what stands in it, as `Certificate.digest`.
    package let digest: String

    /// Reads all of the file: of one that is cut off, OpenSSL may take what is left for the whole.
    package init(path: String) throws(TLSError) {
        let (first, others) = try PEMFile.certificates(in: path)
        defer {
            X509_free(first)
            sluice_chain_free(others)
        }
        self.path = path
        digest = CertificateDigest.of(first, others)
    }
}
