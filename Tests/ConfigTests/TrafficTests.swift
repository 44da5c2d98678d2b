import Testing

@testable import Config

/// What steers and guards a service's traffic: stickiness, rules, checks, pause, the API's address.
@Suite struct TrafficTests {
    private static let head = "listeners: [{ name: web, bind: [\"127.0.0.1:80\"] }]\n"

    /// Two pools; `lines` from line 5 on.
    private func service(_ lines: String) -> ConfigurationFile.Loaded {
        load(
            """
            listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
            services:
              shop:
                pools: { blue: { targets: ["h:1"] }, green: { targets: ["h:2"] } }
            \(lines)
                split: { blue: 100 }
            """)
    }

    @Test(
        "a sticky key is a cookie, a header or the client's address",
        arguments: [
            ("{ key: { cookie: uid } }", .cookie("uid"), false),
            ("{ key: { cookie: uid }, issue: true }", .cookie("uid"), true),
            ("{ issue: false, key: { header: X-User } }", .header("x-user"), false),
            ("{ key: client_ip }", .clientIP, false),
        ] as [(String, StickyConfiguration.Key, Bool)])
    func sticky(value: String, key: StickyConfiguration.Key, issue: Bool) throws {
        let loaded = service("    sticky: \(value)")
        #expect(loaded.lines == [])
        let sticky = try #require(loaded.configuration?.services.first?.sticky)
        #expect(sticky.key == key)
        #expect(sticky.issue == issue)
    }

    @Test(
        "a mistake in sticky is refused at its place",
        arguments: [
            ("{}", "5:13: error: `sticky` has no `key`; hint: write { key: { cookie: NAME } }, or header, or client_ip"),
            ("{ key: {} }", "5:20: error: a sticky key is read from one place; hint: one of `cookie`, `header`, client_ip"),
            (
                "{ key: { cookie: a, header: b } }",
                "5:20: error: a sticky key is read from one place; hint: one of `cookie`, `header`, client_ip"
            ),
            (
                "{ key: client-ip }",
                "5:20: error: `key`: `client-ip` is not known here; hint: did you mean `client_ip`?; or write { cookie: NAME }, { header: NAME }"
            ),
            ("{ key: { cookies: a } }", "5:22: error: unknown key `cookies`; hint: did you mean `cookie`?"),
            ("{ key: { cookie: \"a b\" } }", "5:30: error: `cookie`: `a b` is not a cookie name"),
            ("{ key: { header: \"a:\" } }", "5:30: error: `header`: `a:` is not a header name"),
            (
                "{ key: { header: Cookie } }",
                "5:30: error: `header`: the whole Cookie header changes often; hint: write { cookie: NAME }"
            ),
            (
                "{ key: client_ip, issue: true }",
                "5:31: error: only a cookie can be issued; hint: write key: { cookie: NAME }, or leave `issue` out"
            ),
            (
                "{ key: { cookie: __Host-id }, issue: true }",
                "5:43: error: a cookie named `__Host-id` cannot be issued; hint: browsers drop it unless it comes over TLS; take a name without the prefix"
            ),
            (
                "{ key: { cookie: a }, issue: yes }",
                "5:42: error: `issue`: `yes` is not a boolean; hint: write true or false, here true"
            ),
            ("{ key: { cookie: a }, issued: true }", "5:35: error: unknown key `issued`; hint: did you mean `issue`?"),
        ])
    func stickyRefused(value: String, line: String) {
        #expect(service("    sticky: \(value)").lines == ["t.yaml:" + line])
    }

    @Test("rules keep their order, their conditions and their place")
    func rules() throws {
        let loaded = service(
            """
                rules:
                  - { when: { header: { X-Preview: green }, cookie: { Group: a=b }, query: { v: "" } }, pool: green }
                  - { pool: blue, when: { client: [10.0.0.0/8, "::1"] } }
            """)
        #expect(loaded.lines == [])
        let rules = try #require(loaded.configuration?.services.first?.rules)
        var first = RuleConfiguration(pool: "green", place: "6:9")
        first.headers = [HeaderValue(name: "x-preview", value: "green")]
        first.cookies = [HeaderValue(name: "Group", value: "a=b")]
        first.query = [HeaderValue(name: "v", value: "")]
        var second = RuleConfiguration(pool: "blue", place: "7:9")
        second.clients = [
            AddressBlock(bytes: [10, 0, 0, 0], prefixLength: 8),
            AddressBlock(bytes: [UInt8](repeating: 0, count: 15) + [1], prefixLength: 128),
        ]
        #expect(rules == [first, second])
    }

    @Test(
        "a mistake in a rule is refused at its place",
        arguments: [
            ("{}", "5:12: error: `rules` must be a list; hint: put `-` before each element"),
            ("[{ when: { query: { a: b } }, pool: gren }]", "5:48: error: no pool `gren` in this service; hint: did you mean `green`?"),
            (
                "[{ when: { query: { a: b } } }]",
                "5:13: error: the rule has no `pool`; hint: write { when: { header: { x-preview: green } }, pool: green }"
            ),
            (
                "[{ pool: green }]",
                "5:13: error: the rule has no `when`; hint: what shall hold for every request belongs into `split`"
            ),
            (
                "[{ when: {}, pool: green }]",
                "5:21: error: `when` has no condition; hint: add one of `header`, `cookie`, `query`, `client`"
            ),
            (
                "[{ when: { client: [], query: { a: b } }, pool: green }]",
                "5:31: error: `client` is empty; hint: leave the key out"
            ),
            ("[{ when: { headers: { a: b } }, pool: green }]", "5:23: error: unknown key `headers`; hint: did you mean `header`?"),
            (
                "[{ when: { client: [10.0.0.1/8] }, pool: green }]",
                "5:32: error: `client`: `10.0.0.1/8` has bits set behind its prefix; hint: write 10.0.0.0/8"
            ),
            (
                "[{ when: { header: { Host: a } }, pool: green }]",
                "5:33: error: Host is not matched by a rule; hint: use a route with `match: { hosts: [...] }`"
            ),
            ("[{ when: { cookie: { a: \"b;c\" } }, pool: green }]", "5:36: error: `a`: a cookie value cannot hold `;`"),
            (
                "[{ when: { query: { a: \"b c\" } }, pool: green }]",
                "5:35: error: `a`: a character here never stands in a query; hint: compared as sent: percent-encode it"
            ),
            ("[{ when: { query: { \"a=\": b } }, pool: green }]", "5:32: error: `query`: `a=` is not a query parameter"),
        ])
    func ruleRefused(value: String, line: String) {
        #expect(service("    rules: \(value)").lines == ["t.yaml:" + line])
    }

    @Test(
        "expected statuses are ranges, with commas or in a list",
        arguments: [
            ("\"200-299\"", [200...299]), ("200", [200...200]), ("\"200-299,304\"", [200...299, 304...304]),
            ("\"200-299, 401\"", [200...299, 401...401]),
            ("[200-204, 301, \"400-499,503\"]", [200...204, 301...301, 400...499, 503...503]),
        ] as [(String, [ClosedRange<Int>])])
    func expect(value: String, ranges: [ClosedRange<Int>]) {
        let loaded = service("    health: { expect: \(value) }")
        #expect(loaded.lines == [])
        #expect(loaded.configuration?.services.first?.health?.expect == ranges)
    }

    @Test("a check takes every value")
    func health() throws {
        let loaded = service(
            "    health: { path: \"/up?deep=1\", host: Shop.Internal, interval: 5s, timeout: 5s, rise: 1, fall: 100 }\n    min_healthy: 0")
        #expect(loaded.lines == [])
        var health = HealthConfiguration()
        health.path = "/up?deep=1"
        health.host = "shop.internal"
        health.interval = .seconds(5)
        health.timeout = .seconds(5)
        health.rise = 1
        health.fall = 100
        #expect(loaded.configuration?.services.first?.health == health)
        #expect(loaded.configuration?.services.first?.minHealthy == 0)
        #expect(service("    health: { protocol: tcp, interval: 1s }").configuration?.services.first?.health?.check == .tcp)
        #expect(service("    health: {}").configuration?.services.first?.health == HealthConfiguration())
    }

    @Test("a short interval shortens the timeout that the file does not set")
    func shortInterval() throws {
        #expect(try #require(service("    health: { interval: 500ms }").configuration).services[0].health?.timeout == .milliseconds(500))
    }

    @Test(
        "a mistake in a check is refused at its place",
        arguments: [
            (
                "{ interval: 1s, timeout: 2s }",
                "5:38: error: the check's `timeout` is longer than its `interval`; hint: the next check would overtake it"
            ),
            (
                "{ protocol: tcp, path: /up }",
                "5:30: error: `path` has no effect on a tcp check; hint: remove it, or write protocol: http"
            ),
            ("{ protocol: udp }", "5:25: error: `protocol`: `udp` is not known here; hint: known are `http`, `tcp`, `grpc`"),
            ("{ path: up }", "5:21: error: `path`: `up` does not begin with `/`; hint: write /up"),
            (
                "{ expect: 2xx }",
                "5:23: error: `expect`: `2xx` is not a set of statuses; hint: write \"200-299\" or \"200-299,304\", from 200 to 599"
            ),
            (
                "{ expect: \"299-200\" }",
                "5:23: error: `expect`: `299-200` is not a set of statuses; hint: write \"200-299\" or \"200-299,304\", from 200 to 599"
            ),
            (
                "{ expect: \"100\" }",
                "5:23: error: `expect`: `100` is not a set of statuses; hint: write \"200-299\" or \"200-299,304\", from 200 to 599"
            ),
            (
                "{ expect: \"200-\" }",
                "5:23: error: `expect`: `200-` is not a set of statuses; hint: write \"200-299\" or \"200-299,304\", from 200 to 599"
            ),
            ("{ expect: [] }", "5:23: error: `expect` is empty; hint: write \"200-299\""),
            ("{ rise: 0 }", "5:21: error: `rise`: `0` is not a whole number from 1 to 100"),
            ("{ fall: 101 }", "5:21: error: `fall`: `101` is not a whole number from 1 to 100"),
            ("{ intervall: 1s }", "5:15: error: unknown key `intervall`; hint: did you mean `interval`?"),
        ])
    func healthRefused(value: String, line: String) {
        #expect(service("    health: \(value)").lines == ["t.yaml:" + line])
    }

    @Test("pause takes its limits")
    func pause() {
        let loaded = service("    pause: { max_wait: 5s, requests: 10, bytes: 1MiB }")
        #expect(loaded.lines == [])
        var pause = PauseConfiguration()
        pause.maxWait = .seconds(5)
        pause.requests = 10
        pause.bytes = 1024 * 1024
        #expect(loaded.configuration?.services.first?.pause == pause)
    }

    @Test(
        "a mistake in pause or min_healthy is refused at its place",
        arguments: [
            (
                "pause: { max_wait: 0s }",
                "5:24: error: `max_wait`: must be above zero; hint: zero does not mean without end; to wait long, write 24h"
            ),
            ("pause: { requests: 0 }", "5:24: error: `requests`: `0` is not a whole number from 1 to 10000000"),
            ("pause: { bytes: 1KiB }", "5:21: error: `bytes`: `1KiB` is not a size from 64KiB to 16GiB"),
            ("pause: { wait: 1s }", "5:14: error: unknown key `wait`; hint: known are `requests`, `bytes`, `max_wait`"),
            ("min_healthy: -1", "5:18: error: `min_healthy`: `-1` is not a whole number from 0 to 10000"),
        ])
    func pauseRefused(value: String, line: String) {
        #expect(service("    \(value)").lines == ["t.yaml:" + line])
    }

    @Test("the API's address and token file are read")
    func admin() {
        let loaded = load(file(head: "admin: { listen: \"127.0.0.1:9180\", token_file: /etc/token }"))
        #expect(loaded.lines == [])
        #expect(loaded.configuration?.admin.listen == .tcp(host: "127.0.0.1", port: 9180))
        #expect(loaded.configuration?.admin.tokenFile == "/etc/token")
    }

    @Test(
        "a mistake in the API's address is named at its place",
        arguments: [
            (
                "{ listen: \"unix:/s\" }",
                "4:18: error: `listen`: `unix:/s` is not a TCP address; hint: the Unix socket is `socket`; write 127.0.0.1:9180"
            ),
            ("{ listen: \"127.0.0.1:80\" }", "4:18: error: this address is bound twice; hint: the first is in line 1"),
            (
                "{ listen: \"localhost:80\" }",
                "4:18: error: `listen`: `localhost:80`: a listener binds to an address, not to a name; hint: write 127.0.0.1, 0.0.0.0 or [::] and the port"
            ),
            ("{ token_file: \"\" }", "4:22: error: `token_file`: `` is not a path"),
            ("{ token_file: /t }", "4:10: warning: `token_file` is never used; hint: only clients of `listen` show a token"),
            ("{ tokenfile: /t }", "4:10: error: unknown key `tokenfile`; hint: did you mean `token_file`?"),
        ])
    func adminRefused(value: String, line: String) {
        #expect(load(file(head: "admin: \(value)")).lines.contains("t.yaml:" + line))
    }

    @Test("a split goes down to one in a million, in percentages and in numbers")
    func oneInAMillion() {
        for split in ["{ blue: \"99.9999%\", green: \"0.0001%\" }", "{ blue: 999999, green: 1 }", "{ blue: 0.999999, green: 0.000001 }"] {
            let text =
                Self.head + "services: { s: { pools: { blue: { targets: [\"h:1\"] }, green: { targets: [\"h:2\"] } }, split: \(split) } }"
            #expect(load(text).configuration?.services.first?.split.map(\.partsPerMillion) == [999_999, 1], "\(split)")
        }
    }
}
