import TLS
import TestSupport

/// Certificates made by the openssl command, once for all tests. Valid from now for two days.
final class Material: Sendable {
    typealias Kind = TestCertificate.Kind

    static let shared = Result { try Material() }

    let folder: TemporaryFolder
    /// Signed the hosts' certificates and the client's.
    let authority: String
    let otherAuthority: String
    let shop: CertificateFiles
    let shopRSA: CertificateFiles
    /// For *.shop.test.
    let wildcard: CertificateFiles
    /// For other.test and 127.0.0.1.
    let other: CertificateFiles
    let client: CertificateFiles
    /// Signed by the other authority.
    let stranger: CertificateFiles

    private init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        func make(_ name: String, _ alternatives: String, _ kind: Kind = .ec, by authority: String = "ca") throws -> CertificateFiles {
            try Self.make(name, alternatives, kind, by: authority, in: folder)
        }
        authority = try make("ca", "", by: "").certificate
        otherAuthority = try make("ca2", "", by: "").certificate
        shop = try make("shop", "DNS:Shop.test,DNS:www.shop.test")
        shopRSA = try make("shop-rsa", "DNS:shop.test", .rsa)
        wildcard = try make("wildcard", "DNS:*.shop.test")
        other = try make("other", "DNS:other.test,IP:127.0.0.1")
        client = try make("client", "DNS:client.test")
        stranger = try make("stranger", "DNS:client.test", by: "ca2")
    }

    /// Without alternative names it is an authority, or a certificate without names when somebody signs it.
    static func make(_ name: String, _ alternatives: String, _ kind: Kind = .ec, by authority: String, in folder: TemporaryFolder) throws
        -> CertificateFiles
    {
        let made = try TestCertificate.make(name, alternatives, kind, by: authority, in: folder)
        return CertificateFiles(certificate: made.certificate, key: made.key)
    }
}
