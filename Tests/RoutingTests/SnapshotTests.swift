import Config
import HTTP
import Net
import Policy
import Routing
import Testing

@Suite("Snapshot")
struct SnapshotTests {
    private func build(
        _ configuration: Configuration, release: ReleaseState = ReleaseState(), registry: TargetRegistry = TargetRegistry(),
        epoch: Epoch = 1
    ) throws -> Snapshot {
        try Snapshot.build(configuration: configuration, epoch: epoch, release: release, resolved: Fixture.resolved, registry: registry)
    }

    private func shop(split: [(String, UInt32)]? = nil) -> Configuration {
        var configuration = Configuration()
        configuration.services = [Fixture.service("shop", pools: [("blue", [1, 2]), ("green", [3])], split: split)]
        return configuration
    }

    @Test("a service without a route takes everything, behind all routes")
    func impliedRoute() throws {
        var configuration = shop()
        configuration.routes = [
            Fixture.route(.respond(status: 200, body: "pong\n", contentType: "text/plain"), "4:5") { $0.match.path = "/ping" },
            Fixture.route(.respond(status: 201, body: "", contentType: ""), "9:5") { $0.match.hosts = ["other"] },
        ]
        let snapshot = try build(configuration)
        #expect(HandMadeRequest("GET", "/ping", host: "x").route(in: snapshot)?.name == "4:5")
        #expect(HandMadeRequest("GET", "/", host: "other").route(in: snapshot)?.name == "9:5")
        let implied = try #require(HandMadeRequest("GET", "/x", host: "x").route(in: snapshot))
        #expect(implied.name == "default")
        guard case .service(let service) = implied.action else {
            Issue.record("the implied route leads to a service")
            return
        }
        #expect(service === snapshot.service(named: "shop"))
    }

    @Test("a service that a route names gets no implied route")
    func noImpliedRoute() throws {
        var configuration = shop()
        configuration.routes = [Fixture.route(.service("shop"), "3:3") { $0.match.hosts = ["shop.example.com"] }]
        let snapshot = try build(configuration)
        #expect(HandMadeRequest(host: "shop.example.com").route(in: snapshot)?.name == "3:3")
        #expect(HandMadeRequest(host: "other").route(in: snapshot) == nil)
        #expect(HandMadeRequest(host: "shop.example.com").route(in: Snapshot(epoch: 1)) == nil)
    }

    @Test("header conditions look at every line; names without case, values exactly")
    func headerConditions() throws {
        var configuration = shop()
        configuration.routes = [
            Fixture.route(.service("shop"), "1:1"),
            Fixture.route(.service("shop"), "2:1") {
                $0.match.headers = [.init(name: "x-env", value: "prod"), .init(name: "x-tier", value: "1")]
            },
        ]
        let snapshot = try build(configuration)
        func name(_ headers: [(String, String)]) -> String? { HandMadeRequest(headers: headers).route(in: snapshot)?.name }
        #expect(name([("X-Env", "prod"), ("X-TIER", "1")]) == "2:1")
        #expect(name([("x-env", "test"), ("x-tier", "1"), ("x-env", "prod")]) == "2:1")
        #expect(name([("x-env", "Prod"), ("x-tier", "1")]) == "1:1")
        #expect(name([("x-env", "prod")]) == "1:1")
        #expect(name([]) == "1:1")
    }

    @Test("ranges that the buffer does not hold are no match and no trap")
    func badRanges() throws {
        let snapshot = try build(shop())
        var head = RequestHead()
        head.host = ByteRange(start: 3, end: UInt32.max)
        head.path = ByteRange(start: 9, end: 2)
        let found = [UInt8]("abc".utf8).withUnsafeBytes { snapshot.route($0, head: head, fields: FieldTable(capacity: 1)) }
        #expect(found?.name == "default")
    }

    @Test("edits, strip prefix and host are ready to be copied")
    func compiledRoute() throws {
        var configuration = shop()
        configuration.routes = [
            Fixture.route(.service("shop"), "1:1") { route in
                route.match.path = "/api/v1/"
                route.stripPrefix = "/api/"
                route.rewriteHost = "inside"
                route.requestHeaders.set = [.init(name: "X-Front", value: "sluice")]
                route.requestHeaders.add = [.init(name: "X-More", value: "1")]
                route.requestHeaders.remove = ["X-Secret", "x-front"]
            }
        ]
        let route = try #require(try build(configuration).routes.first)
        #expect(route.stripPrefixLength == 4)
        #expect(route.rewriteHost == Array("inside".utf8))
        #expect(route.requestEdits.dropped == ["x-secret", "x-front"].map { Array($0.utf8) })
        #expect(route.requestEdits.lines == Array("X-Front: sluice\r\nX-More: 1\r\n".utf8))
        #expect(route.responseEdits.isEmpty)
    }

    @Test("the split is honoured exactly, and the live one wins over the file's if it fits")
    func split() throws {
        let configuration = shop(split: [("blue", 750_000), ("green", 250_000)])
        func counts(_ snapshot: Snapshot) throws -> [Int] {
            let service = try #require(snapshot.service(named: "shop"))
            let chosen = (0..<1000).map { _ in service.choosePool()?.name }
            return service.pools.map { pool in chosen.count { $0 == pool.name } }
        }
        #expect(try counts(try build(configuration)) == [750, 250])
        var release = ReleaseState()
        release["shop"].split = [.init(pool: "green", partsPerMillion: 1_000_000)]
        let flipped = try build(configuration, release: release)
        #expect(try counts(flipped) == [0, 1000])
        #expect(flipped.service(named: "shop")?.shares == [0, 1_000_000])
        release["shop"].split = [.init(pool: "gone", partsPerMillion: 1_000_000)]
        #expect(try counts(try build(configuration, release: release)) == [750, 250])
    }

    @Test("the split is exact across threads")
    func splitAcrossThreads() throws {
        let snapshot = try build(shop(split: [("blue", 990_000), ("green", 10_000)]))
        let service = try #require(snapshot.service(named: "shop"))
        onThreads(4) { _ in for _ in 0..<2_500 { _ = service.choosePool()?.claimTarget() } }
        #expect(service.pools.map(\.inFlight) == [9_900, 100])
    }

    @Test("what cannot be built is refused, and the registry is as it was")
    func refusals() throws {
        let registry = TargetRegistry()
        _ = try build(shop(), registry: registry)
        let before = Set(registry.current.map(ObjectIdentifier.init))
        var unresolved = shop()
        unresolved.services.append(Fixture.service("other", pools: [("p", [9])]))
        unresolved.services[1].pools[0].targets[0].endpoint = .tcp(host: "nowhere", port: 1)
        var unknownService = shop()
        unknownService.routes = [Fixture.route(.service("none"), "7:1")]
        var unknownPool = shop()
        unknownPool.services[0].split = [PoolShare(pool: "red", partsPerMillion: 1_000_000)]
        var strip = shop()
        strip.routes = [
            Fixture.route(.service("shop"), "8:1") {
                $0.match.path = "/apiary"; $0.stripPrefix = "/api"
            }
        ]
        var status = shop()
        status.routes = [Fixture.route(.redirect(to: "/", status: 70_000), "9:1")]
        let cases: [(Configuration, SnapshotError)] = [
            (unresolved, .unresolved(.tcp(host: "nowhere", port: 1), service: "other", pool: "p")),
            (unknownService, .unknownService("none", route: "7:1")), (unknownPool, .unknownPool("red", service: "shop")),
            (strip, .stripPrefixOutsidePath("/api", route: "8:1")), (status, .statusOutOfRange(70_000, route: "9:1")),
        ]
        for (configuration, error) in cases {
            #expect(throws: error) { _ = try build(configuration, registry: registry) }
            #expect(Set(registry.current.map(ObjectIdentifier.init)) == before)
            #expect(registry.ordinalLimit == 3)
        }
    }

    @Test("times, limits, log and listeners arrive as written")
    func plainValues() throws {
        var configuration = shop()
        configuration.timeouts.connect = .milliseconds(250)
        configuration.services[0].timeouts.connect = .seconds(2)
        configuration.limits.bodyBytes = 77
        configuration.accessLog.format = .combined
        configuration.listeners = [ListenerConfiguration(name: "web", bind: [])]
        configuration.services[0].limits.maxRequests = 5
        configuration.services[0].drain.tunnels = .seconds(9)
        let snapshot = try build(configuration, epoch: 12)
        let service = try #require(snapshot.services.first)
        #expect(snapshot.epoch == 12)
        #expect(snapshot.timeouts.connect == .milliseconds(250) && service.timeouts.connect == .milliseconds(2000))
        #expect(snapshot.limits.bodyBytes == 77 && snapshot.accessLog == .combined && snapshot.listeners.map(\.name) == ["web"])
        #expect(service.limits.maxRequests == 5 && service.drain.tunnels == .seconds(9))
    }
}
