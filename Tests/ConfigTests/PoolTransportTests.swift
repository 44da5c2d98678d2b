import Testing

@testable import Config

/// What targets are spoken to in, and how HTTP/2 is kept in bounds.
@Suite struct PoolTransportTests {
    /// The only pool, with further keys; these begin at 3:34.
    private func loaded(_ keys: String) -> ConfigurationFile.Loaded {
        load(
            """
            listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
            services: { shop: { pools: { blue: {
              targets: ["127.0.0.1:81"],     \(keys) } } } }
            """)
    }

    private func pool(_ keys: String) throws -> PoolConfiguration {
        let loaded = loaded(keys)
        #expect(loaded.lines == [])
        return try #require(loaded.configuration?.services.first?.pools.first)
    }

    @Test("protocols are read, and h2 is over TLS without a word")
    func protocols() throws {
        #expect(try pool("protocol: http1") == pool(""))
        #expect(try pool("protocol: h2c").upstreamProtocol == .h2c)
        #expect(try pool("protocol: h2c, tls: null").tls == nil)
        let h2 = try pool("protocol: h2")
        #expect(h2.upstreamProtocol == .h2)
        #expect(h2.tls == PoolTLSConfiguration())
        #expect(try pool("tls: {}").tls == PoolTLSConfiguration())
        #expect(try pool("proxy_protocol: v2").sendsProxyProtocol == .v2)
        #expect(try pool("proxy_protocol: v1, tls: {}").sendsProxyProtocol == .v1)
    }

    @Test("every key of tls is read")
    func tls() throws {
        var expected = PoolTLSConfiguration()
        expected.ca = "/ca.pem"
        expected.serverName = "shop.internal"
        expected.certificate = CertificateConfiguration(certificate: "/c.crt", key: "/c.key")
        expected.minimumVersion = .tls13
        #expect(
            try pool("tls: { ca: /ca.pem, verify: true, server_name: Shop.internal, cert: /c.crt, key: /c.key, min_version: \"1.3\" }").tls
                == expected)
        #expect(try pool("tls: { ca: null, server_name: null, cert: null, key: null }").tls == PoolTLSConfiguration())
        #expect(try pool("tls: { server_name: \"::0001\" }").tls?.serverName == "::1")
    }

    @Test(
        "a mistake in what a pool speaks is refused at its place",
        arguments: [
            ("protocol: http2", "3:44: error: `protocol`: `http2` is not known here; hint: did you mean `h2`?"),
            ("protocol: http/1.1", "3:44: error: `protocol`: `http/1.1` is not known here; hint: did you mean `http1`?"),
            ("protocol: spdy", "3:44: error: `protocol`: `spdy` is not known here; hint: known are `http1`, `h2c`, `h2`"),
            ("protocol: h2c, tls: {}", "3:49: error: `h2c` is HTTP/2 without TLS; hint: write protocol: h2, or leave `tls` out"),
            (
                "protocol: h2c, proxy_protocol: v1",
                "3:49: error: `proxy_protocol` with `protocol: h2c`; hint: one HTTP/2 connection carries many clients; write protocol: http1, or go by X-Forwarded-For"
            ),
            (
                "proxy_protocol: v2, protocol: h2",
                "3:34: error: `proxy_protocol` with `protocol: h2`; hint: one HTTP/2 connection carries many clients; write protocol: http1, or go by X-Forwarded-For"
            ),
            ("proxy_protocol: on", "3:50: error: `proxy_protocol`: `on` is not known here; hint: known are `v1`, `v2`"),
            ("proxy_protocol: true", "3:50: error: `proxy_protocol`: `true` is not known here; hint: did you mean `v1`?"),
            ("tls: true", "3:39: error: `tls` must be a mapping (`key: value`)"),
            ("tls: { verfy: false }", "3:41: error: unknown key `verfy`; hint: did you mean `verify`?"),
            ("tls: { cert: /c }", "3:41: error: `cert` without `key`; hint: one PEM file may hold both"),
            ("tls: { key: /c, cert: null }", "3:41: error: `key` without `cert`; hint: one PEM file may hold both"),
            (
                "tls: { server_name: \"shop:443\" }",
                "3:54: error: `server_name`: `shop:443` is not a host name; hint: without scheme and port"
            ),
            ("tls: { server_name: \"*.shop\" }", "3:54: error: `server_name`: `*.shop` is not a host name"),
            (
                "tls: { min_version: 1.0 }",
                "3:54: error: `min_version`: TLS 1.0, TLS 1.1 and SSL are not offered (RFC 8996); hint: write \"1.2\" or \"1.3\""
            ),
            ("tls: { ca: [] }", "3:45: error: `ca` must be a single value"),
        ])
    func refused(keys: String, line: String) {
        #expect(loaded(keys).lines == ["t.yaml:" + line])
    }

    @Test("what works and is odd is warned of")
    func warnings() throws {
        let blind = loaded("tls: { verify: false }")
        #expect(
            blind.lines == [
                "t.yaml:3:41: warning: whoever answers is taken for the target; hint: name its authority in `ca` instead of verify: false"
            ])
        #expect(blind.configuration?.services.first?.pools.first?.tls?.verifies == false)
        let null = loaded("protocol: h2, tls: null")
        #expect(
            null.lines == [
                "t.yaml:3:48: warning: `h2` is over TLS all the same; hint: write protocol: h2c for HTTP/2 without TLS"
            ])
        #expect(null.configuration?.services.first?.pools.first?.tls == PoolTLSConfiguration())
    }
}

@Suite struct HTTP2BoundsTests {
    @Test("every bound is read")
    func bounds() throws {
        let head = """
            defaults: { http2: { max_streams: 10000, stream_window: 65535, connection_window: 2147483647, resets_per_second: 1,
              control_frames_per_second: 1000000, ping_interval: 0, ping_timeout: 1s } }
            """
        #expect(load(file(head: head)).lines == [])
        var expected = HTTP2Configuration()
        expected.maxStreams = 10_000
        expected.streamWindow = 65_535
        expected.connectionWindow = 2_147_483_647
        expected.resetsPerSecond = 1
        expected.controlFramesPerSecond = 1_000_000
        expected.pingInterval = .zero
        expected.pingTimeout = .seconds(1)
        #expect(load(file(head: head)).configuration?.http2 == expected)
        #expect(load(file(head: "defaults: { http2: {} }")).configuration?.http2 == HTTP2Configuration())
    }

    @Test(
        "what is out of bounds is refused at its place",
        arguments: [
            ("max_streams: 0", "4:35: error: `max_streams`: `0` is not a whole number from 1 to 10000"),
            ("max_streams: 10001", "4:35: error: `max_streams`: `10001` is not a whole number from 1 to 10000"),
            ("stream_window: 65534", "4:37: error: `stream_window`: `65534` is not a size from 65535 to 2147483647 bytes"),
            ("connection_window: 2GiB", "4:41: error: `connection_window`: `2GiB` is not a size from 65535 to 2147483647 bytes"),
            ("resets_per_second: 0", "4:41: error: `resets_per_second`: `0` is not a whole number from 1 to 1000000"),
            ("control_frames_per_second: x", "4:49: error: `control_frames_per_second`: `x` is not a whole number from 1 to 1000000"),
            ("ping_interval: 30", "4:37: error: `ping_interval`: `30` is not a duration; hint: it needs a unit: 30s, 30ms"),
            (
                "ping_timeout: 0s",
                "4:36: error: `ping_timeout`: must be above zero; hint: zero does not mean without end; to wait long, write 24h"
            ),
            ("max_stream: 5", "4:22: error: unknown key `max_stream`; hint: did you mean `max_streams`?"),
        ])
    func refused(keys: String, line: String) {
        #expect(load(file(head: "defaults: { http2: { \(keys) } }")).lines == ["t.yaml:" + line])
    }

    @Test("a stream's window beyond its connection's is warned of")
    func windows() {
        let hint = "hint: a stream gets no further than its connection"
        #expect(
            load(file(head: "defaults: { http2: { stream_window: 2MiB } }")).lines
                == ["t.yaml:4:22: warning: `stream_window` is larger than `connection_window`; \(hint)"])
        #expect(
            load(file(head: "defaults: { http2: { connection_window: 64KiB } }")).lines
                == ["t.yaml:4:22: warning: `stream_window` is larger than `connection_window`; \(hint)"])
    }
}

@Suite struct PathTests {
    private static let text = """
        state_dir: state
        admin: { socket: ./admin.sock, listen: "127.0.0.1:9180", token_file: secret/token }
        access_log: { path: access.log }
        listeners:
          - { name: web, bind: ["127.0.0.1:443"], tls: { certificates: [{ cert: shop.crt, key: ../keys/shop.key }] } }
        routes: [{ respond: {} }]
        """

    @Test("a relative path begins in the folder of the file, every one of them")
    func relative() throws {
        let configuration = try #require(load(Self.text, as: "/etc/sluice/s.yaml").configuration)
        #expect(configuration.stateDirectory == "/etc/sluice/state")
        #expect(configuration.admin.socket == "/etc/sluice/admin.sock")
        #expect(configuration.admin.tokenFile == "/etc/sluice/secret/token")
        #expect(configuration.accessLog.path == "/etc/sluice/access.log")
        #expect(
            configuration.listeners.first?.tls?.certificates
                == [CertificateConfiguration(certificate: "/etc/sluice/shop.crt", key: "/etc/sluice/../keys/shop.key")])
    }

    @Test("a file named by a relative path has the same folder as by its absolute one")
    func names() throws {
        let current = try #require(load(Self.text, as: "s.yaml").configuration)
        #expect(current.stateDirectory.hasPrefix("/") && current.stateDirectory.hasSuffix("/state"))
        #expect(load(Self.text, as: "./s.yaml").configuration == current)
        let below = try #require(load(Self.text, as: "./conf/s.yaml").configuration)
        #expect(below.stateDirectory == current.stateDirectory.replacing("/state", with: "/conf/state"))
        #expect(load(Self.text, as: "conf/s.yaml").configuration == below)
        #expect(load(Self.text, as: "/s.yaml").configuration?.stateDirectory == "/state")
    }

    @Test("standard output is no path")
    func standardOutput() {
        #expect(load(file(head: "access_log: { path: \"-\" }"), as: "/e/s.yaml").configuration?.accessLog.path == "-")
    }

    @Test("what is too long with its folder is refused")
    func long() {
        let folder = "/" + String(repeating: "x", count: 100)
        #expect(
            load(file(head: "admin: { socket: admin.sock }"), as: folder + "/s.yaml").lines
                == ["\(folder)/s.yaml:4:18: error: `socket`: the path is longer than 107 bytes; hint: the kernel takes no more"])
    }
}
