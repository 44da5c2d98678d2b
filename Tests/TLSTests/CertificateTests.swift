import Glibc
import TLS
import TestSupport
import Testing

/// Reading key material, and the words for what is wrong with it.
@Suite struct CertificateTests {
    let material: Material

    init() throws { material = try Material.shared.get() }

    private func reason(_ files: CertificateFiles, at time: Int64? = nil) -> TLSError.Reason? {
        do {
            _ = try CertificateStore([files], settings: TLSSettings(), now: time ?? now)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test("a good pair tells its names, its dates and its kind of key")
    func good() throws {
        let certificate = try Certificate(files: material.shop)
        #expect(certificate.names == ["shop.test", "www.shop.test"])
        #expect(certificate.keyType == "EC")
        #expect((certificate.notAfter - certificate.notBefore) == 2 * 86_400)
        #expect(abs(certificate.notBefore - now) < 3600)
        #expect(try Certificate(files: material.other).names == ["other.test", "127.0.0.1"])
        #expect(try CertificateStore([material.shop, material.shopRSA], settings: TLSSettings(), now: now).certificates.count == 2)
    }

    @Test("each way to be bad has its own reason and names the file")
    func bad() throws {
        let shop = material.shop
        let folder = try TemporaryFolder()
        let missing = folder["missing"]
        #expect(reason(CertificateFiles(certificate: missing, key: shop.key)) == .unreadable(ENOENT))
        #expect(reason(CertificateFiles(certificate: shop.certificate, key: missing)) == .unreadable(ENOENT))
        #expect(reason(CertificateFiles(certificate: shop.certificate, key: material.other.key)) == .keyDoesNotMatch)
        #expect(reason(CertificateFiles(certificate: shop.certificate, key: material.shopRSA.key)) == .keyDoesNotMatch)
        #expect(reason(CertificateFiles(certificate: shop.key, key: shop.key)) == .noCertificate)
        #expect(reason(CertificateFiles(certificate: shop.certificate, key: shop.certificate)) == .noKey)
        let certificate = try Certificate(files: shop)
        #expect(reason(shop, at: certificate.notAfter + 1) == .expired(since: certificate.notAfter))
        #expect(reason(shop, at: certificate.notBefore - 1) == .notYetValid(until: certificate.notBefore))

        try write(text(of: shop.certificate) + "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", to: folder["chain"])
        #expect(reason(CertificateFiles(certificate: folder["chain"], key: shop.key)) == .chainDoesNotParse(position: 1))
        let locked = try Program.run(["openssl", "pkey", "-in", shop.key, "-aes256", "-passout", "pass:secret", "-out", folder["locked"]])
        try #require(locked.succeeded)
        #expect(reason(CertificateFiles(certificate: shop.certificate, key: folder["locked"])) == .keyIsEncrypted)
        let nameless = try Material.make("nameless", "", by: "ca", in: material.folder)
        #expect(reason(nameless) == .noName)

        let error = TLSError(.keyDoesNotMatch, file: "a.key", detail: "a.crt")
        #expect("\(error)" == "a.key: the private key does not belong to the certificate: a.crt")
        #expect("\(TLSError(.expired(since: 0), file: "a.crt"))" == "a.crt: the certificate expired on 1970-01-01 00:00:00 UTC")
    }

    @Test("a listener without a certificate and authorities that are none are refused")
    func settings() throws {
        #expect(throws: TLSError(.noCertificateGiven)) { try CertificateStore([], settings: TLSSettings(), now: now) }
        let key = material.shop.key
        for wish in [TLSSettings.ClientCertificates.required(authorities: key), .optional(authorities: "/nowhere")] {
            #expect(throws: TLSError.self) {
                try CertificateStore([material.shop], settings: TLSSettings(clientCertificates: wish), now: now)
            }
        }
        #expect(throws: TLSError.self) { try TLSClientContext(.init(trust: .authorities("/nowhere"))) }
    }

    @Test("a staple that is none is not shown and does not refuse its certificate")
    func staple() throws {
        let files = CertificateFiles(certificate: material.shop.certificate, key: material.shop.key, staple: material.shop.key)
        #expect(try Certificate(files: files).stapleError == TLSError(.badStaple, file: material.shop.key))
        #expect(try Certificate(files: material.shop).stapleError == nil)
    }
}
