internal import Config
@testable internal import ControlPlane
internal import Testing

@Suite struct ConfigurationDiffTests {
    private static let base = """
        listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
        routes: [{ match: { path: /ping }, respond: { status: 200, body: pong } }]
        services:
          shop:
            pools: { blue: { targets: ["10.0.0.1:80", { address: "10.0.0.2:80", weight: 2 }] }, green: { targets: ["10.0.0.3:80"] } }
            split: { blue: 100 }

        """

    @Test(
        "each change is one line in the operator's words",
        arguments: [
            ("blue: 100", "blue: 99.9, green: 0.1", "~ service shop: split blue 100 → blue 99.9 green 0.1"),
            ("\"10.0.0.1:80\", ", "", "- target shop/blue/10.0.0.1:80"),
            ("weight: 2", "weight: 3", "~ target shop/blue/10.0.0.2:80: weight 2 → 3"),
            ("[\"10.0.0.3:80\"]", "[\"10.0.0.3:80\", \"10.0.0.4:80\"]", "+ target shop/green/10.0.0.4:80"),
            (", green: { targets: [\"10.0.0.3:80\"] }", "", "- pool shop/green"),
            ("name: web", "name: front", "+ listener front: 127.0.0.1:80"),
            ("127.0.0.1:80\"", "127.0.0.1:81\"", "~ listener web: 127.0.0.1:80 → 127.0.0.1:81"),
            ("path: /ping", "path: /pong", "+ route */pong → 200"),
            ("split:", "balance: least-connections\n    split:", "~ service shop: settings"),
            ("split:", "sticky: { key: client_ip }\n    split:", "~ service shop: sticky"),
            ("split:", "rules: [{ when: { query: { a: b } }, pool: green }]\n    split:", "~ service shop: rules"),
            ("split:", "health: { path: /up }\n    split:", "~ service shop: health"),
            ("split:", "min_healthy: 2\n    split:", "~ service shop: settings"),
            ("listeners:", "trusted_proxies: [10.0.0.0/8]\nlisteners:", "~ trusted_proxies"),
            ("listeners:", "shutdown: { drain_timeout: 1s }\nlisteners:", "~ shutdown"),
            ("listeners:", "defaults: { limits: { body_bytes: 1KiB } }\nlisteners:", "~ defaults: limits"),
        ])
    func change(old: String, new: String, line: String) throws {
        let lines = ConfigurationDiff.lines(
            from: try ProxyFixture.configuration(Self.base), to: try ProxyFixture.configuration(Self.base.replacing(old, with: new)))
        #expect(lines.contains(line), "\(lines)")
    }

    private static let secure = """
        listeners: [{ name: web, bind: ["127.0.0.1:80"], tls: { certificates: [{ cert: /a.crt, key: /a.key }] } }]
        services: { shop: { pools: { blue: { targets: ["10.0.0.1:80"], tls: { ca: /ca.pem } } } } }

        """

    @Test(
        "what both shores speak is named",
        arguments: [
            (
                base, "\"127.0.0.1:80\"]", "\"127.0.0.1:80\"], protocols: [h2c, http/1.1]",
                "~ listener web: protocols http/1.1 → h2c http/1.1"
            ),
            (base, "\"127.0.0.1:80\"]", "\"127.0.0.1:80\"], max_connection_age: 1h", "~ listener web: max_connection_age"),
            (base, "\"127.0.0.1:80\"]", "\"127.0.0.1:80\"], proxy_protocol: true", "~ listener web: proxy_protocol false → true"),
            (base, "\"127.0.0.1:80\"]", "\"127.0.0.1:80\"], redirect_to_https: 8443", "~ listener web: redirect_to_https off → 8443"),
            (
                base, "\"127.0.0.1:80\"]", "\"127.0.0.1:80\"], tls: { certificates: [{ cert: /a.crt, key: /a.key }] }",
                "~ listener web: tls on, certificates /a.crt"
            ),
            (base, "10.0.0.3:80\"]", "10.0.0.3:80\"], protocol: h2c", "~ pool shop/green: protocol http1 → h2c"),
            (base, "10.0.0.3:80\"]", "10.0.0.3:80\"], protocol: h2", "~ pool shop/green: tls on"),
            (base, "10.0.0.3:80\"]", "10.0.0.3:80\"], tls: { verify: false }", "~ pool shop/green: tls on, without verification"),
            (base, "10.0.0.3:80\"]", "10.0.0.3:80\"], proxy_protocol: v2", "~ pool shop/green: proxy_protocol none → v2"),
            (base, "listeners:", "defaults: { http2: { max_streams: 5 } }\nlisteners:", "~ defaults: http2"),
            (secure, "/a.crt", "/b.crt", "~ listener web: certificates /a.crt → /b.crt"),
            (secure, "/a.key", "/b.key", "~ listener web: files of certificates"),
            (secure, "/a.key }]", "/a.key }], min_version: \"1.3\"", "~ listener web: tls settings"),
            (secure, ", tls: { certificates: [{ cert: /a.crt, key: /a.key }] }", "", "~ listener web: tls off"),
            (secure, ", tls: { ca: /ca.pem }", "", "~ pool shop/blue: tls off"),
            (secure, "ca: /ca.pem", "ca: /new.pem", "~ pool shop/blue: tls settings"),
            (secure, "ca: /ca.pem", "ca: /ca.pem, verify: false", "~ pool shop/blue: tls verification off"),
        ])
    func transport(base: String, old: String, new: String, line: String) throws {
        let (former, latter) = (try ProxyFixture.configuration(base), try ProxyFixture.configuration(base.replacing(old, with: new)))
        let lines = ConfigurationDiff.lines(from: former, to: latter)
        #expect(lines.contains(line), "\(lines)")
        #expect(!lines.contains { $0.hasSuffix(": order of pools or targets") || $0.hasSuffix(": settings") }, "\(lines)")
    }

    @Test("nothing changed, nothing said; a comment only moves the routes' lines")
    func nothing() throws {
        let base = try ProxyFixture.configuration(Self.base)
        #expect(ConfigurationDiff.lines(from: base, to: base).isEmpty)
        #expect(ConfigurationDiff.lines(from: base, to: try ProxyFixture.configuration("# new\n" + Self.base)).isEmpty)
    }

    @Test("a moved rule is not a changed one")
    func movedRule() throws {
        let base = Self.base.replacing("split:", with: "rules: [{ when: { query: { a: b } }, pool: green }]\n    split:")
        let (old, new) = (try ProxyFixture.configuration(base), try ProxyFixture.configuration("# new\n" + base))
        #expect(old != new)
        #expect(ConfigurationDiff.lines(from: old, to: new).isEmpty)
    }

    @Test(
        "what a reload cannot exchange is named",
        arguments: [
            ("admin: { listen: \"127.0.0.1:9180\" }", ["admin.listen"]),
            ("admin: { listen: \"127.0.0.1:9180\", token_file: /t }", ["admin.listen"]),
            ("admin: { socket: /s }", ["admin.socket"]),
            ("workers: 3", ["workers"]),
            ("trusted_proxies: []", []),
        ])
    func restart(head: String, keys: [String]) throws {
        let old = try ProxyFixture.configuration(Self.base)
        let new = try ProxyFixture.configuration("\(head)\n\(Self.base)")
        #expect(ConfigurationDiff.needsRestart(from: old, to: new) == keys)
    }

    @Test(
        "parts per million are shown without binary fractions",
        arguments: [(1_000_000, "100"), (1, "0.0001"), (999_000, "99.9"), (10_000, "1"), (0, "0")] as [(UInt32, String)])
    func percent(parts: UInt32, text: String) {
        #expect(ConfigurationDiff.percent(parts) == text)
    }
}
