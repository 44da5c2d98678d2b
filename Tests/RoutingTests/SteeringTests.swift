import Config
import Net
import Policy
import Testing

@testable import Routing

@Suite("Steering")
struct SteeringTests {
    private func service(
        _ shares: [UInt32] = [1_000_000, 0], rules: [RuleConfiguration] = [], sticky: StickyConfiguration? = nil, name: String = "shop"
    ) -> Service {
        let names = ["blue", "green", "red", "black"]
        let pools = shares.indices.map { Pool(name: names[$0], members: [], cursor: PoolCursor()) }
        return Service(
            name: name, pools: pools, shares: shares, state: ServiceState(name: name), retryAttempts: 0, limits: .init(), drain: .init(),
            rules: rules, sticky: sticky)
    }

    private func rule(_ pool: String, _ place: String = "1:1", _ edit: (inout RuleConfiguration) -> Void) -> RuleConfiguration {
        var rule = RuleConfiguration(pool: pool, place: place)
        edit(&rule)
        return rule
    }

    private func pair(_ name: String, _ value: String) -> [HeaderValue] { [HeaderValue(name: name, value: value)] }

    private func sticky(_ key: StickyConfiguration.Key, issue: Bool = false) -> StickyConfiguration {
        var sticky = StickyConfiguration(key: key)
        sticky.issue = issue
        return sticky
    }

    private let byRule = ParsedRequest.Chosen(pool: "green", reason: .rule, rule: "1:1")
    private let bySplit = ParsedRequest.Chosen(pool: "blue", reason: .split, rule: "")

    @Test("a service without rules and key is not steered")
    func plain() {
        #expect(service().steering == nil)
    }

    // MARK: - Rules

    @Test(
        "a header rule wants one line of that name, in any case, with exactly that value",
        arguments: [
            (["X-Preview: green"], true), (["x-preview:   green  "], true), (["X-PREVIEW: blue", "x-preview: green"], true),
            (["X-Preview: Green"], false), (["X-Preview: green, blue"], false), (["X-Previews: green"], false), ([], false),
        ] as [([String], Bool)])
    func header(lines: [String], isMet: Bool) throws {
        let service = service(rules: [rule("green") { $0.headers = pair("x-preview", "green") }])
        let request = try ParsedRequest("/", lines.joined(separator: "\r\n") + (lines.isEmpty ? "Accept: */*" : ""))
        #expect(request.choose(service) == (isMet ? byRule : bySplit))
    }

    @Test(
        "a cookie rule wants the cookie of that name and case, wherever it stands",
        arguments: [
            ("Cookie: group=testers", true), ("Cookie: a=b; group=testers", true), ("cookie: a=b;group=testers ; c=d", true),
            ("Cookie: a=b\r\nCookie: group=testers", true), ("Cookie: group=x; group=testers", true), ("Cookie: Group=testers", false),
            ("Cookie: xgroup=testers", false), ("Cookie: group=testersx", false), ("Cookie: group", false), ("Cookie: group=", false),
            ("Cookie: ;;=;group", false), ("X-Cookie: group=testers", false), ("Cookie: a=group=testers", false),
        ])
    func cookie(line: String, isMet: Bool) throws {
        let service = service(rules: [rule("green") { $0.cookies = pair("group", "testers") }])
        #expect(try ParsedRequest("/", line).choose(service) == (isMet ? byRule : bySplit))
    }

    @Test(
        "a query rule wants the parameter as it stands in the request",
        arguments: [
            ("/?v=2", true), ("/a?x=1&v=2", true), ("/?v=2&v=3", true), ("/?v=3&v=2", true), ("http://a.test/?v=2", true),
            ("http://a.test?v=2", true), ("/?v=%32", false), ("/?V=2", false), ("/?v=22", false), ("/?v", false), ("/?", false),
            ("/", false),
            ("/v=2", false), ("/?a=v=2", false), ("/?&&v=2&", true),
        ])
    func query(target: String, isMet: Bool) throws {
        let service = service(rules: [rule("green") { $0.query = pair("v", "2") }])
        #expect(try ParsedRequest(target).choose(service) == (isMet ? byRule : bySplit))
    }

    @Test("a query parameter without a value is one with an empty value", arguments: ["/?preview", "/?preview=", "/?a=b&preview"])
    func emptyParameter(target: String) throws {
        let service = service(rules: [rule("green") { $0.query = pair("preview", "") }])
        #expect(try ParsedRequest(target).choose(service) == byRule)
        #expect(try ParsedRequest("/?preview=1").choose(service) == bySplit)
    }

    @Test("a client rule wants an address in one of its networks; a Unix peer is in none")
    func client() throws {
        let service = service(
            rules: [rule("green") { $0.clients = [AddressBlock(bytes: [10, 0, 0, 0], prefixLength: 8)] }])
        let request = try ParsedRequest()
        #expect(service.steering?.readsClient == true)
        #expect(request.choose(service, client: Fixture.address(7)) == byRule)
        #expect(request.choose(service, client: try #require(SocketAddress(literal: "::ffff:10.1.1.1", port: 5))) == byRule)
        #expect(request.choose(service, client: try #require(SocketAddress(literal: "11.0.0.1", port: 5))) == bySplit)
        #expect(request.choose(service) == bySplit)
    }

    @Test("all conditions of a rule must be met, and the first rule that is met wins")
    func order() throws {
        let service = service(
            [1_000_000, 0, 0],
            rules: [
                rule("green", "5:1") {
                    $0.headers = pair("x-a", "1")
                    $0.query = pair("b", "2")
                },
                rule("red", "6:1") { $0.headers = pair("x-a", "1") },
                rule("green", "7:1") { $0.query = pair("b", "2") },
            ])
        #expect(try ParsedRequest("/?b=2", "X-A: 1").choose(service) == .init(pool: "green", reason: .rule, rule: "5:1"))
        #expect(try ParsedRequest("/", "X-A: 1").choose(service) == .init(pool: "red", reason: .rule, rule: "6:1"))
        #expect(try ParsedRequest("/?b=2").choose(service) == .init(pool: "green", reason: .rule, rule: "7:1"))
        #expect(try ParsedRequest().choose(service) == bySplit)
        #expect(service.steering?.readsClient == false)
    }

    @Test("what a rule takes does not move the split's sequence")
    func sequence() throws {
        let service = service([500_000, 500_000], rules: [rule("green") { $0.headers = pair("x-a", "1") }])
        let (ruled, plain) = (try ParsedRequest("/", "X-A: 1"), try ParsedRequest())
        var pools: [String?] = []
        for _ in 0..<3 {
            #expect(ruled.choose(service).reason == .rule)
            pools += [plain.choose(service).pool, plain.choose(service).pool]
        }
        #expect(pools == ["blue", "green", "blue", "green", "blue", "green"])
    }

    // MARK: - Keys

    @Test("a key is placed as the pure split places it, from a cookie, a header or an address")
    func keys() throws {
        let shares: [UInt32] = [700_000, 300_000]
        let pure = StickySplit(service: "shop", pools: ["blue", "green"], weights: shares)
        let (cookie, header, address) = (
            service(shares, sticky: sticky(.cookie("uid"))), service(shares, sticky: sticky(.header("x-user"))),
            service(shares, sticky: sticky(.clientIP))
        )
        var seen = Set<String>()
        for number in 0..<100 {
            let user = "user-\(number)"
            let index = try #require(Array(user.utf8).withUnsafeBytes { pure.pool(for: $0) })
            let expected = ParsedRequest.Chosen(pool: ["blue", "green"][index], reason: .sticky, rule: "")
            seen.insert(expected.pool ?? "")
            #expect(try ParsedRequest("/", "Cookie: a=b; uid=\(user)").choose(cookie) == expected)
            #expect(try ParsedRequest("/", "X-USER: \(user)").choose(header) == expected)
            let byAddress = try #require([10, 0, 0, UInt8(number)].withUnsafeBytes { pure.pool(for: $0) })
            let chosen = try ParsedRequest().choose(address, client: Fixture.address(UInt8(number), port: UInt16(number)))
            #expect(chosen == .init(pool: ["blue", "green"][byAddress], reason: .sticky, rule: ""))
        }
        #expect(seen == ["blue", "green"])
    }

    @Test("an IPv4 client is the same on an IPv6 socket, and an IPv6 client goes by all sixteen bytes")
    func addresses() throws {
        let service = service([500_000, 500_000], sticky: sticky(.clientIP))
        let pure = StickySplit(service: "shop", pools: ["blue", "green"], weights: [1, 1])
        for number in 0..<50 {
            let v4 = try #require(SocketAddress(literal: "192.0.2.\(number)", port: 1))
            let mapped = try #require(SocketAddress(literal: "::ffff:192.0.2.\(number)", port: 2))
            #expect(try ParsedRequest().choose(service, client: v4) == ParsedRequest().choose(service, client: mapped))
            let v6 = try #require(SocketAddress(literal: "2001:db8::\(number)", port: 1))
            let bytes: [UInt8] = [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 10) + [0, UInt8(strtol("\(number)"))]
            let index = try #require(bytes.withUnsafeBytes { pure.pool(for: $0) })
            #expect(try ParsedRequest().choose(service, client: v6).pool == ["blue", "green"][index])
        }
    }

    /// Hexadecimal, as the text of an IPv6 address means it.
    private func strtol(_ text: String) -> Int { Int(text, radix: 16) ?? 0 }

    @Test(
        "who has no key, or an empty one, is split by the exact sequence", arguments: ["Accept: */*", "Cookie: uid=", "Cookie: uid; a=b"])
    func keyless(line: String) throws {
        let service = service([500_000, 500_000], sticky: sticky(.cookie("uid")))
        let request = try ParsedRequest("/", line)
        let chosen = (0..<4).map { _ in request.choose(service) }
        #expect(chosen.map(\.pool) == ["blue", "green", "blue", "green"])
        #expect(chosen.allSatisfy { $0.reason == .split })
    }

    @Test("a rule goes before the key")
    func ruleFirst() throws {
        let service = service(
            [1_000_000, 0], rules: [rule("green") { $0.query = pair("v", "2") }], sticky: sticky(.cookie("uid"), issue: true))
        var issued: StickyKey?
        #expect(try ParsedRequest("/?v=2", "Cookie: uid=a").choose(service, issued: &issued) == byRule)
        #expect(try ParsedRequest("/?v=2").choose(service, issued: &issued) == byRule)
        #expect(issued == nil)
    }

    @Test("an issued key places its client where the cookie will place it, and stays for all attempts")
    func issued() throws {
        let service = service([500_000, 500_000], sticky: sticky(.cookie("uid"), issue: true))
        #expect(service.steering.map { String(decoding: $0.cookieLine.bytes, as: UTF8.self) } == "Set-Cookie: uid=")
        var values = Set<String>()
        for _ in 0..<200 {
            var key: StickyKey?
            let first = try ParsedRequest().choose(service, issued: &key)
            let given = try #require(key)
            #expect(first.reason == .sticky)
            #expect(try ParsedRequest().choose(service, issued: &key) == first)
            #expect(key == given)
            let text = given.withText { String(decoding: $0, as: UTF8.self) }
            #expect(text.utf8.count == StickyKey.textLength)
            values.insert(text)
            var none: StickyKey?
            #expect(try ParsedRequest("/", "Cookie: uid=\(text)").choose(service, issued: &none) == first)
            #expect(none == nil)
        }
        #expect(values.count == 200)
    }

    @Test(
        "a key's text is base64url",
        arguments: [
            (0, 0, "AAAAAAAAAAAAAAAAAAAAAA"), (.max, .max, "_____________________w"),
            (0xdead_beef_0000_0000, 0x0123_4567_89ab_cdef, "3q2-7wAAAAABI0VniavN7w"),
        ] as [(UInt64, UInt64, String)])
    func text(high: UInt64, low: UInt64, text: String) {
        #expect(StickyKey(high: high, low: low).withText { String(decoding: $0, as: UTF8.self) } == text)
    }

    // MARK: - The exact sequence over loops

    @Test("four threads at once: every prefix of their merged order is off by no more than their number", arguments: [1, 10, 33])
    func acrossThreads(percent: UInt32) {
        let threads = 4
        let rounds = 20_000
        let service = service([1_000_000 - percent * 10_000, percent * 10_000])
        let order = MergedOrder(count: threads * rounds)
        onThreads(threads) { _ in
            for _ in 0..<rounds { order.append(service.choosePool()?.name == "green") }
        }
        var hits = 0
        var worst = 0.0
        for (index, isHit) in order.values.enumerated() {
            if isHit { hits += 1 }
            worst = max(worst, abs(Double(hits) - Double(index + 1) * Double(percent) / 100))
        }
        #expect(worst <= Double(threads), "\(worst)")
        #expect(hits == threads * rounds * Int(percent) / 100)
    }
}
