import Testing

@testable import Config

/// What both shores speak: protocols, TLS, the PROXY protocol, bounds of HTTP/2.
@Suite struct ListenerTransportTests {
    private static let pair = "certificates: [{ cert: /a.crt, key: /a.key }]"

    private func listener(_ keys: String, head: String = "") throws -> ListenerConfiguration {
        let loaded = load(file(head: head, listener: ", " + keys))
        #expect(loaded.lines == [])
        return try #require(loaded.configuration?.listeners.first)
    }

    @Test("protocols keep their order, and their default goes by tls")
    func protocols() throws {
        #expect(try listener("protocols: [h2c]").protocols == [.h2c])
        #expect(try listener("protocols: [http/1.1, h2c]").protocols == [.http1, .h2c])
        #expect(try listener("tls: { \(Self.pair) }").protocols == [.h2, .http1])
        #expect(try listener("tls: { \(Self.pair) }, protocols: [http/1.1]").protocols == [.http1])
        #expect(try listener("tls: null").protocols == [.http1])
    }

    @Test("every key of tls is read")
    func tls() throws {
        let tls = try #require(
            try listener(
                """
                tls: { certificates: [{ cert: /a.crt, key: /a.key, ocsp: /a.der }, { cert: /b.crt, key: /b.key, ocsp: null }], min_version: 1.3,
                  client_ca: /ca.pem, client_auth: optional, ocsp: fetch, handshake_timeout: 3s, handshakes_per_client: 20,
                  hsts: { max_age: 730d, include_subdomains: true, preload: true } }
                """
            ).tls)
        var expected = ListenerTLSConfiguration(certificates: [
            CertificateConfiguration(certificate: "/a.crt", key: "/a.key", ocsp: "/a.der"),
            CertificateConfiguration(certificate: "/b.crt", key: "/b.key"),
        ])
        expected.minimumVersion = .tls13
        expected.clientCA = "/ca.pem"
        expected.clientAuthentication = .optional
        expected.fetchesOCSP = true
        expected.handshakeTimeout = .seconds(3)
        expected.handshakeRate = 20
        var hsts = HSTSConfiguration(maxAge: .seconds(730 * 86_400))
        (hsts.includesSubdomains, hsts.preload) = (true, true)
        expected.hsts = hsts
        #expect(tls == expected)
    }

    @Test("what is null, off or false is as if it were not there")
    func neutral() throws {
        let plain = try listener("tls: { \(Self.pair) }")
        #expect(
            try listener("tls: { \(Self.pair), client_ca: null, hsts: null, ocsp: off }, redirect_to_https: false, proxy_protocol: false")
                == plain)
        #expect(try listener("tls: { \(Self.pair) }, redirect_to_https: null, max_connection_age: 0") == plain)
        #expect(plain.tls == ListenerTLSConfiguration(certificates: [CertificateConfiguration(certificate: "/a.crt", key: "/a.key")]))
    }

    @Test("age and the PROXY protocol are read")
    func others() throws {
        #expect(try listener("max_connection_age: 1h").maxConnectionAge == .seconds(3600))
        #expect(try listener("proxy_protocol: true", head: "trusted_proxies: [10.0.0.0/8]").acceptsProxyProtocol)
        #expect(try listener("redirect_to_https: 8443").redirectsToHTTPS == 8443)
    }

    @Test(
        "a mistake in what a listener speaks is refused at its place",
        arguments: [
            ("protocols: []", "1:61: error: `protocols` is empty; hint: leave the key out, or write [http/1.1]"),
            ("protocols: h2c", "1:61: error: `protocols` must be a list; hint: write [h2c]"),
            ("protocols: [http1.1]", "1:62: error: `protocols`: `http1.1` is not known here; hint: did you mean `http/1.1`?"),
            ("protocols: [HTTP/2]", "1:62: error: `protocols`: `HTTP/2` is not known here; hint: did you mean `h2`?"),
            ("protocols: [h3x9]", "1:62: error: `protocols`: `h3x9` is not known here; hint: known are `http/1.1`, `h2`, `h2c`"),
            ("protocols: [h2c, h2c]", "1:67: error: `h2c` stands twice in `protocols`"),
            (
                "protocols: [h2, http/1.1]",
                "1:62: error: `h2` needs `tls`; hint: add `tls`, or write h2c for HTTP/2 with prior knowledge"
            ),
            (
                "tls: null, protocols: [h2]",
                "1:73: error: `h2` needs `tls`; hint: add `tls`, or write h2c for HTTP/2 with prior knowledge"
            ),
            ("proxy_protocol: no", "1:66: error: `proxy_protocol`: `no` is not a boolean; hint: write true or false, here false"),
            ("redirect_to_https: 0", "1:69: error: `redirect_to_https`: `0` is neither true nor a port from 1 to 65535"),
            ("redirect_to_https: 65536", "1:69: error: `redirect_to_https`: `65536` is neither true nor a port from 1 to 65535"),
            ("redirect_to_https: yes", "1:69: error: `redirect_to_https`: `yes` is neither true nor a port from 1 to 65535"),
            (
                "max_connection_age: soon",
                "1:70: error: `max_connection_age`: `soon` is not a duration; hint: write a whole number and a unit: 250ms, 5s, 2m, 1h"
            ),
            ("protocol: [h2c]", "1:50: error: unknown key `protocol`; hint: did you mean `protocols`?"),
            ("tls: yes", "1:55: error: `tls` must be a mapping (`key: value`)"),
            (
                "tls: {}",
                "1:55: error: `tls` has no `certificates`; hint: write certificates: [{ cert: shop.crt, key: shop.key }]"
            ),
        ])
    func refused(keys: String, line: String) {
        #expect(load(file(listener: ", " + keys)).lines == ["t.yaml:" + line])
    }

    @Test(
        "a mistake inside tls is refused at its place",
        arguments: [
            ("certificates: []", "1:71: error: `certificates` is empty; hint: write [{ cert: shop.crt, key: shop.key }]"),
            ("certificates: [/a.pem]", "1:72: error: a certificate is two files; hint: write { cert: shop.crt, key: shop.key }"),
            (
                "certificates: [{ cert: /a }]",
                "1:72: error: the certificate has no `key`; hint: write { cert: shop.crt, key: shop.key }; one PEM file may hold both"
            ),
            (
                "certificates: [{ key: /a }]",
                "1:72: error: the certificate has no `cert`; hint: write { cert: shop.crt, key: shop.key }; one PEM file may hold both"
            ),
            ("certificates: [{ cert: \"\", key: /a }]", "1:80: error: `cert`: `` is not a path"),
            (
                "certificates: [{ cert: /a, key: /a }, { cert: /a, key: /b }]",
                "1:95: error: duplicate certificate `/a`; hint: it stands already in line 1"
            ),
            ("certificate: [], \(pair)", "1:57: error: unknown key `certificate`; hint: did you mean `certificates`?"),
            (
                "\(pair), client_auth: required",
                "1:104: error: `client_auth` without `client_ca`; hint: name the PEM file of the authorities whose clients may come"
            ),
            (
                "\(pair), client_ca: null, client_auth: optional",
                "1:121: error: `client_auth` without `client_ca`; hint: name the PEM file of the authorities whose clients may come"
            ),
            (
                "\(pair), client_ca: /c, client_auth: require",
                "1:132: error: `client_auth`: `require` is not known here; hint: did you mean `required`?"
            ),
            ("\(pair), ocsp: on", "1:110: error: `ocsp`: `on` is not known here; hint: known are `off`, `fetch`"),
            (
                "\(pair), min_version: \"1.1\"",
                "1:117: error: `min_version`: TLS 1.0, TLS 1.1 and SSL are not offered (RFC 8996); hint: write \"1.2\" or \"1.3\""
            ),
            (
                "\(pair), min_version: TLSv1",
                "1:117: error: `min_version`: TLS 1.0, TLS 1.1 and SSL are not offered (RFC 8996); hint: write \"1.2\" or \"1.3\""
            ),
            ("\(pair), min_version: TLSv1.2", "1:117: error: `min_version`: `TLSv1.2` is not known here; hint: write \"1.2\""),
            ("\(pair), min_version: 1.4", "1:117: error: `min_version`: `1.4` is not known here; hint: write \"1.2\" or \"1.3\""),
            (
                "\(pair), handshake_timeout: 0s",
                "1:123: error: `handshake_timeout`: must be above zero; hint: zero does not mean without end; to wait long, write 24h"
            ),
            ("\(pair), handshakes_per_client: -1", "1:127: error: `handshakes_per_client`: `-1` is not a whole number from 0 to 1000000"),
            ("\(pair), hsts: { max_age: 3651d }", "1:121: error: `max_age`: `3651d` is longer than ten years"),
            ("\(pair), hsts: { max_age: 365 }", "1:121: error: `max_age`: `365` is not an age; hint: it needs a unit: 365s, 365d"),
            ("\(pair), hsts: true", "1:110: error: `hsts` must be a mapping (`key: value`)"),
        ])
    func refusedTLS(keys: String, line: String) {
        #expect(load(file(listener: ", tls: { \(keys) }")).lines == ["t.yaml:" + line])
    }

    @Test("h2c and a redirect do not go with tls, also when its inside is at fault")
    func conflicts() {
        #expect(
            load(file(listener: ", protocols: [h2c, h2], redirect_to_https: true, tls: { ocsp: off }")).lines == [
                "t.yaml:1:62: error: `h2c` is HTTP/2 without TLS; hint: write h2, or leave `tls` out",
                "t.yaml:1:72: error: `redirect_to_https` on a listener with `tls`; hint: write it on the listener for plain http, on port 80",
                "t.yaml:1:102: error: `tls` has no `certificates`; hint: write certificates: [{ cert: shop.crt, key: shop.key }]",
            ])
    }

    @Test("ages of HSTS are whole seconds up to ten years")
    func ages() throws {
        #expect(try Quantities.hstsAge("0") == .zero)
        #expect(try Quantities.hstsAge("31536000s") == .seconds(31_536_000))
        #expect(try Quantities.hstsAge("3650d") == .seconds(3650 * 86_400))
        #expect(try Quantities.hstsAge("87600h") == .seconds(3650 * 86_400))
        for text in ["", "d", "250ms", "1y", "-1d", "1.5d", "18446744073709551615d", "87601h", "999999999999999999999d"] {
            #expect(throws: ScalarError.self, "\(text)") { try Quantities.hstsAge(text) }
        }
    }

    @Test("what works and is odd is warned of")
    func warnings() {
        #expect(
            load(file(listener: ", proxy_protocol: true")).lines == [
                "t.yaml:1:50: warning: everyone may claim any address; hint: name in `trusted_proxies` who sends the PROXY header"
            ])
        #expect(load(file(listener: ", proxy_protocol: true").replacing("127.0.0.1:80\"", with: "unix:/s\"")).lines == [])
        #expect(
            load(file(listener: ", tls: { \(Self.pair), hsts: { preload: true } }")).lines == [
                "t.yaml:1:112: warning: browsers do not preload this; hint: they ask for include_subdomains: true and at least 365d"
            ])
    }
}

@Suite struct RedirectTests {
    /// A plain listener that redirects, and one with TLS for each list of addresses.
    private func load(_ binds: String...) -> ConfigurationFile.Loaded {
        let secure = binds.enumerated().map { index, bind in
            "  - { name: s\(index), bind: [\(bind)], tls: { certificates: [{ cert: /a, key: /b }] } }\n"
        }
        return ConfigTests.load(
            "listeners:\n  - { name: web, bind: [\"127.0.0.1:80\"], redirect_to_https: true }\n\(secure.joined())routes: [{ respond: {} }]\n"
        )
    }

    private func port(_ loaded: ConfigurationFile.Loaded) -> UInt16? {
        loaded.configuration?.listeners.first?.redirectsToHTTPS
    }

    @Test("true means 443, or the port of the only listener with tls, wherever that stands")
    func ports() {
        for (loaded, expected) in [
            (load(), 443), (load("\"127.0.0.1:443\""), 443), (load("\"127.0.0.1:8443\", \"[::1]:8443\", \"unix:/s\""), 8443),
            (load("\"127.0.0.1:8443\"", "\"127.0.0.1:443\""), 443),
        ] as [(ConfigurationFile.Loaded, UInt16)] {
            #expect(loaded.lines == [])
            #expect(port(loaded) == expected)
        }
    }

    @Test("a port that nobody listens on is warned of")
    func unserved() {
        for loaded in [
            load("\"127.0.0.1:8443\", \"127.0.0.1:9443\""), load("\"127.0.0.1:8443\"", "\"127.0.0.1:9443\""), load("\"[::]:0\""),
        ] {
            #expect(
                loaded.lines == [
                    "t.yaml:2:42: warning: no listener has `tls` on port 443; hint: write the port that clients shall be sent to"
                ])
            #expect(port(loaded) == 443)
        }
    }
}
