import Testing

@testable import Config

@Suite struct SampleTests {
    @Test("every sample in conf/ is valid and without warnings", arguments: ["smallest", "bluegreen", "canary", "tls", "full"])
    func samples(name: String) {
        let loaded = ConfigurationFile.load(path: "\(repository)/conf/\(name).yaml", environment: [:])
        #expect(loaded.lines == [])
        #expect(loaded.configuration?.services.count == (name == "full" ? 2 : 1))
    }

    @Test("full.yaml shows the defaults")
    func fullShowsDefaults() throws {
        let full = try #require(ConfigurationFile.load(path: "\(repository)/conf/full.yaml", environment: [:]).configuration)
        var expected = Configuration()
        expected.listeners = full.listeners
        expected.routes = full.routes
        expected.services = full.services
        expected.admin.listen = .tcp(host: "127.0.0.1", port: 9180)
        expected.admin.tokenFile = "/etc/sluice/admin.token"
        #expect(full == expected)
        let service = try #require(full.services.first)
        var shop = ServiceConfiguration(name: "shop", pools: service.pools, split: service.split)
        shop.sticky = StickyConfiguration(key: .cookie("uid"))
        shop.rules = service.rules
        shop.health = HealthConfiguration()
        #expect(service == shop)
        #expect(service.pools.map(\.tls) == [nil, PoolTLSConfiguration()])
        var web = ListenerConfiguration(name: "web", bind: full.listeners.first?.bind ?? [])
        #expect(full.listeners.first == web)
        let pair = CertificateConfiguration(certificate: "/etc/sluice/tls/shop.crt", key: "/etc/sluice/tls/shop.key")
        web = ListenerConfiguration(name: "partners", bind: [.tcp(host: "127.0.0.1", port: 8444)])
        web.protocols = [.h2, .http1]
        var tls = ListenerTLSConfiguration(certificates: [pair])
        tls.clientCA = "/etc/sluice/tls/partners.pem"
        tls.hsts = HSTSConfiguration(maxAge: Defaults.hstsMaxAge)
        web.tls = tls
        #expect(full.listeners.last == web)
        #expect(full.listeners.dropFirst().first?.tls == ListenerTLSConfiguration(certificates: [pair]))
        #expect(service.rules.map(\.pool) == ["green"])
        #expect(service.split == [PoolShare(pool: "blue", partsPerMillion: 1_000_000)])
        #expect(full.routes.map(\.action).contains(.redirect(to: "https://new.example.com{path}", status: Defaults.redirectStatus)))
        #expect(full.routes.map(\.action).contains(.respond(status: 200, body: "pong\n", contentType: Defaults.respondContentType)))
    }

    @Test("the smallest file gets every default")
    func smallest() throws {
        let smallest = try #require(ConfigurationFile.load(path: "\(repository)/conf/smallest.yaml", environment: [:]).configuration)
        var expected = Configuration()
        expected.listeners = [ListenerConfiguration(name: "web", bind: [.tcp(host: "127.0.0.1", port: 8080)])]
        let target = TargetConfiguration(endpoint: .tcp(host: "127.0.0.1", port: 9001), text: "127.0.0.1:9001")
        expected.services = [
            ServiceConfiguration(
                name: "shop", pools: [PoolConfiguration(name: "blue", targets: [target])],
                split: [PoolShare(pool: "blue", partsPerMillion: 1_000_000)])
        ]
        #expect(smallest == expected)
        #expect(smallest.defaultService?.name == "shop")
    }

    @Test("the canary gets exactly one in a thousand")
    func canary() throws {
        let canary = try #require(ConfigurationFile.load(path: "\(repository)/conf/canary.yaml", environment: [:]).configuration)
        #expect(canary.services.first?.split.map(\.partsPerMillion) == [999_000, 1000])
        #expect(canary.defaultService == nil)
    }

    @Test("a benchmark's file is accepted")
    func benchmark() throws {
        let text = """
            workers: 1
            state_dir: /tmp/w/state
            admin:
              socket: /tmp/w/admin.sock
            access_log: { path: "-", format: off }
            defaults:
              timeouts: { connect: 5s, request_header: 30s, response_header: 60s, idle: 300s, keepalive: 300s }
            listeners:
              - name: bench
                bind: ["127.0.0.1:18080"]

            services:
              bench:
                pools:
                  blue: { targets: ["127.0.0.1:1", "127.0.0.1:2"], protocol: http1 }
                  green: { targets: ["127.0.0.1:3"], protocol: http1 }
                split: { blue: 100 }
                balance: least-connections
            """
        let configuration = try #require(load(text).configuration)
        #expect(configuration.workers == .exactly(1))
        #expect(configuration.accessLog.format == .off)
        #expect(configuration.services.first?.timeouts.idle == .seconds(300))
        #expect(configuration.services.first?.balance == .leastConnections)
    }

    @Test("a test suite's file is accepted")
    func suite() throws {
        let text = """
            workers: 1
            state_dir: /tmp/w/state
            admin: { socket: /tmp/w/admin.sock }
            access_log: { format: "off" }
            listeners:
              - name: plain
                bind: ["127.0.0.1:18080"]
            services:
              suite:
                pools:
                  only: { targets: ["127.0.0.1:9000"] }
                split: { only: 100 }
            """
        #expect(load(text).lines == [])
        #expect(load(text).configuration?.admin.socket == "/tmp/w/admin.sock")
    }

    @Test("TLS and HTTP/2 in a test suite's file are accepted")
    func suiteTLS() throws {
        let text = """
            workers: 1
            state_dir: /tmp/w/state
            admin: { socket: /tmp/w/admin.sock }
            access_log: { format: "off" }
            listeners:
              - name: plain
                bind: ["127.0.0.1:18080"]
              - name: h2c
                bind: ["127.0.0.1:18081"]
                protocols: [h2c]
              - name: both
                bind: ["127.0.0.1:18082"]
                protocols: [h2c, http/1.1]
              - name: secure
                bind: ["127.0.0.1:18443"]
                protocols: [h2, http/1.1]
                tls:
                  certificates: [{ cert: /tmp/w/cert.pem, key: /tmp/w/key.pem }]
            services:
              suite:
                pools:
                  only: { targets: ["127.0.0.1:9000"], protocol: h2c }
                split: { only: 100 }
            """
        #expect(load(text).lines == [])
        let configuration = try #require(load(text).configuration)
        #expect(configuration.listeners.map(\.protocols) == [[.http1], [.h2c], [.h2c, .http1], [.h2, .http1]])
        #expect(configuration.services.first?.pools.first?.upstreamProtocol == .h2c)
    }

    @Test("TLS in a benchmark's file is accepted")
    func benchmarkTLS() throws {
        let text = file(
            listener: """
                , protocols: [h2, http/1.1], tls: { certificates: [{ cert: /tmp/w/a.crt, key: /tmp/w/a.key }], min_version: "1.3" }
                """)
        #expect(load(text).lines == [])
        #expect(load(text).configuration?.listeners.first?.tls?.minimumVersion == .tls13)
    }

    @Test("JSON is accepted unchanged")
    func json() throws {
        let text = #"""
            {
            	"workers":"auto",
            	"listeners":[{"name":"web","bind":["[::]:0"],"tls":null,"proxy_protocol":false,"protocols":["http\/1.1"]}],
            	"routes":[{"match":{"path":"/ping"},"respond":{"body":"gr\u00fc\u00dfe\n\t\"x\""}}],
            	"services":{"shop":{"pools":{"blue":{"targets":["127.0.0.1:81",{"address":"unix:/s","weight":3}]}},"split":{"blue":1.5}}}
            }
            """#
        let loaded = load(text)
        #expect(loaded.lines == [])
        let configuration = try #require(loaded.configuration)
        #expect(
            configuration.routes.first?.action == .respond(status: 200, body: "grüße\n\t\"x\"", contentType: Defaults.respondContentType))
        #expect(configuration.listeners.first?.bind == [.tcp(host: "::", port: 0)])
        #expect(configuration.services.first?.pools.first?.targets.last?.weight == 3)
    }

    @Test("JSON's pairs of escapes are one character")
    func surrogates() throws {
        let head = #"{"listeners":[{"name":"w","bind":["[::]:0"]}],"routes":[{"respond":{"body":"#
        let loaded = load(head + #""a\\ud83d\uD83D\uDe00b\\\ud83d\ude00"}}]}"#)
        #expect(loaded.lines == [])
        #expect(
            loaded.configuration?.routes.first?.action
                == .respond(status: 200, body: #"a\ud83d😀b\😀"#, contentType: Defaults.respondContentType))
        #expect(load(head + #""half a pair: \ud83d"}}]}"#).configuration == nil)
    }

    @Test("a file that is not there, or no file, is an error at its first place")
    func unreadable() {
        #expect(
            ConfigurationFile.load(path: "/nowhere/s.yaml", environment: [:]).lines
                == ["/nowhere/s.yaml:1:1: error: cannot be read: No such file or directory"])
        #expect(ConfigurationFile.load(path: "/", environment: [:]).lines == ["/:1:1: error: cannot be read: Is a directory"])
    }

    @Test("an endless file is read to its limit only")
    func endless() {
        #expect(
            ConfigurationFile.load(path: "/dev/zero", environment: [:]).lines == ["/dev/zero:1:1: error: the file is larger than 4 MiB"])
    }
}
