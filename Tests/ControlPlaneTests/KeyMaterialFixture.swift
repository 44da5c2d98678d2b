internal import Config
@testable internal import ControlPlane
internal import TLS
internal import TestSupport

/// An authority and certificates of the hosts shop.test and other.test, made once for all tests; each test works on copies.
final class KeyMaterialFixture: Sendable {
    private static let made = Result { try Made() }

    private final class Made: Sendable {
        let folder: TemporaryFolder
        init() throws {
            folder = try TemporaryFolder()
            _ = try TestCertificate.make("ca", in: folder)
            _ = try TestCertificate.make("ca2", in: folder)
            _ = try TestCertificate.make("shop", "DNS:shop.test", by: "ca", days: 40, in: folder)
            _ = try TestCertificate.make("shop2", "DNS:shop.test", by: "ca", days: 50, in: folder)
            _ = try TestCertificate.make("other", "DNS:other.test", by: "ca", days: 5, in: folder)
            _ = try TestCertificate.make("nameless", by: "ca", in: folder)
        }
    }

    let folder: TemporaryFolder

    init() throws {
        let made = try Self.made.get()
        folder = try TemporaryFolder()
        for name in ["ca", "ca2", "shop", "shop2", "other", "nameless"] { try install(name, as: name, from: made.folder) }
    }

    subscript(name: String) -> String { folder[name] }

    /// A copy of `source`.crt and .key under another name, in the place of what is there.
    func install(_ source: String, as name: String) throws { try install(source, as: name, from: Self.made.get().folder) }
    func installCertificate(_ source: String, as name: String) throws {
        try install(source, as: name, from: Self.made.get().folder, [".crt"])
    }
    func installKey(_ source: String, as name: String) throws { try install(source, as: name, from: Self.made.get().folder, [".key"]) }

    private func install(_ source: String, as name: String, from origin: TemporaryFolder, _ endings: [String] = [".crt", ".key"]) throws {
        for ending in endings { try write(TestSupport.text(of: origin[source + ending]), to: folder[name + ending]) }
    }

    func files(_ name: String) -> CertificateConfiguration {
        CertificateConfiguration(certificate: folder["\(name).crt"], key: folder["\(name).key"])
    }

    /// Text of a configuration with a listener of these certificates.
    func file(_ names: String...) -> String {
        let list = names.map { "{ cert: \(folder["\($0).crt"]), key: \(folder["\($0).key"]) }" }.joined(separator: ", ")
        return ProxyFixture.plain.replacing("bind: [\"127.0.0.1:0\"]", with: "bind: [\"127.0.0.1:0\"], tls: { certificates: [\(list)] }")
    }

    /// The fixture's plain proxy with these certificates on its listener.
    func configuration(_ names: String...) throws -> Configuration {
        var configuration = try ProxyFixture.configuration(ProxyFixture.plain)
        configuration.listeners[0].tls = ListenerTLSConfiguration(certificates: names.map(files))
        configuration.listeners[0].protocols = [.h2, .http1]
        return configuration
    }
}
