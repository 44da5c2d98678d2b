internal import Config
@testable internal import ControlPlane
internal import Glibc
internal import Routing
internal import TLS
internal import TestSupport
internal import Testing

@Suite struct KeyShelfTests {
    let keys: KeyMaterialFixture
    init() throws { keys = try KeyMaterialFixture() }

    private func whole(_ configuration: Configuration, after former: KeyShelf = KeyShelf()) -> KeyReading {
        KeyReading(configuration, after: former, .whole)
    }

    private func withPool(_ tls: PoolTLSConfiguration, _ spoken: UpstreamProtocol = .http1) throws -> Configuration {
        var configuration = try ProxyFixture.configuration(ProxyFixture.plain)
        configuration.services[0].pools[0].tls = tls
        configuration.services[0].pools[0].upstreamProtocol = spoken
        return configuration
    }

    private let blue = KeyMaterial.PoolName(service: "shop", pool: "blue")

    @Test("a listener's certificates are read once, and are the same objects as long as nothing changes")
    func reuse() throws {
        let configuration = try keys.configuration("shop", "other")
        let first = whole(configuration)
        #expect(first.problems.isEmpty)
        let store = try #require(first.shelf.material.listeners["web"])
        #expect(store.certificates.map(\.names) == [["shop.test"], ["other.test"]])
        let second = whole(configuration, after: first.shelf)
        #expect(second.shelf.material.listeners["web"] === store)
        #expect(second.shelf.means(first.shelf))
        // The same bytes in another file: read, and found to be the same.
        try keys.install("shop", as: "shop")
        let third = whole(configuration, after: second.shelf)
        #expect(third.shelf.material.listeners["web"] === store)
        try keys.install("shop2", as: "shop")
        let fourth = whole(configuration, after: third.shelf)
        #expect(fourth.shelf.material.listeners["web"] !== store)
        #expect(fourth.shelf.material.listeners["web"]?.certificates[1] === store.certificates[1])
        #expect(fourth.shelf.difference(from: third.shelf) == ["~ listener web: certificates"])
    }

    @Test("other settings make another store of the same certificates")
    func settings() throws {
        var configuration = try keys.configuration("shop")
        let first = whole(configuration).shelf
        configuration.listeners[0].tls?.minimumVersion = .tls13
        let second = whole(configuration, after: first).shelf
        configuration.listeners[0].tls?.clientCA = keys["ca.crt"]
        let third = whole(configuration, after: second).shelf
        configuration.listeners[0].tls?.clientAuthentication = .optional
        let fourth = whole(configuration, after: third).shelf
        try keys.install("ca2", as: "ca")
        let fifth = whole(configuration, after: fourth).shelf
        let stores = [first, second, third, fourth, fifth].compactMap { $0.material.listeners["web"] }
        #expect(Set(stores.map(ObjectIdentifier.init)).count == 5)
        #expect(Set(stores.flatMap(\.certificates).map(ObjectIdentifier.init)).count == 1)
    }

    @Test("what is wrong is told with listener, file, reason and hint, all of it")
    func problems() throws {
        var configuration = try keys.configuration("shop", "other", "nameless")
        configuration.listeners[0].tls?.certificates[0].key = keys["other.key"]
        configuration.listeners[0].tls?.certificates[1].certificate = keys["nowhere.crt"]
        configuration.listeners[0].tls?.clientCA = keys["ca.key"]
        let reading = whole(configuration)
        #expect(reading.shelf.material.listeners.isEmpty)
        #expect(
            reading.problems.map(\.reason) == [
                "listener web: \(keys["other.key"]): the private key does not belong to the certificate: \(keys["shop.crt"])",
                "listener web: \(keys["nowhere.crt"]): cannot be read: No such file or directory",
                "listener web: \(keys["nameless.crt"]): the certificate names no host (subjectAltName)",
                "listener web: \(keys["ca.key"]): holds no certificate in PEM form: \(reading.problems.last?.error.detail ?? "")",
            ])
        #expect(reading.problems.allSatisfy { $0.hint != nil })
        #expect(reading.problems[1].text.hasSuffix("hint: a relative path counts from the folder of the configuration file"))
    }

    @Test("an expired certificate is refused, one that ends soon is warned of")
    func time() throws {
        let configuration = try keys.configuration("shop", "other")
        let now = WallClock.now().milliseconds / 1000
        let shelf = whole(configuration).shelf
        let warnings = shelf.warnings(configuration)
        #expect(warnings.count == 1)
        #expect(warnings.first?.hasPrefix("listener web: \(keys["other.crt"]) (other.test, ") == true, "\(warnings)")
        #expect(warnings.first?.contains(") expires in ") == true, "\(warnings)")
        let late = KeyReading(configuration, after: KeyShelf(), .whole, now: now + 6 * 86_400)
        #expect(late.problems.map(\.error.file) == [keys["other.crt"]])
        #expect(late.problems.first?.hint == "renew it")
        // One that serves already goes on: refusing every reload would help nobody.
        var aged = shelf
        for files in aged.certificates.keys { aged.certificates[files]?.stamps = files.stamps }
        #expect(KeyReading(configuration, after: aged, .whole, now: now + 6 * 86_400).problems.isEmpty)
    }

    @Test("a pool's digest tells contexts apart by what they mean")
    func pools() throws {
        var tls = PoolTLSConfiguration()
        tls.ca = keys["ca.crt"]
        let first = whole(try withPool(tls)).shelf
        let material = try #require(first.material.pools[blue])
        let same = whole(try withPool(tls), after: first).shelf
        #expect(same.material.pools[blue]?.context === material.context)
        var seen = [material.digest]
        func differs(_ change: (inout PoolTLSConfiguration) throws -> Void, _ spoken: UpstreamProtocol = .http1) throws {
            var other = tls
            try change(&other)
            let reading = whole(try withPool(other, spoken), after: first)
            #expect(reading.problems.isEmpty)
            seen.append(try #require(reading.shelf.material.pools[blue]?.digest))
        }
        try differs { $0.ca = nil }
        try differs { $0.verifies = false }
        try differs { $0.minimumVersion = .tls13 }
        try differs({ _ in }, .h2)
        // A client may be nobody in particular.
        try differs { $0.certificate = keys.files("nameless") }
        try differs { $0.certificate = keys.files("shop") }
        try keys.install("ca2", as: "ca")
        try differs { _ in }
        #expect(Set(seen).count == seen.count, "\(seen)")
    }

    @Test("a bad pool names the pool")
    func badPool() throws {
        var tls = PoolTLSConfiguration()
        tls.certificate = CertificateConfiguration(certificate: keys["shop.crt"], key: keys["other.key"])
        let reading = whole(try withPool(tls))
        #expect(reading.problems.map(\.owner) == ["pool shop/blue"])
        #expect(reading.shelf.material.pools.isEmpty)
    }
}
