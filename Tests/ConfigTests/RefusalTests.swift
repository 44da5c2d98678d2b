import Testing

@testable import Config

/// Bad input in whole files: the exact line that the operator sees.
@Suite struct RefusalTests {
    @Test(
        "a mistake at the top is refused at its place",
        arguments: [
            ("worker: 2", "4:1: error: unknown key `worker`; hint: did you mean `workers`?"),
            ("state-dir: /s", "4:1: error: unknown key `state-dir`; hint: did you mean `state_dir`?"),
            ("workers: 0", "4:10: error: `workers`: `0` is neither `auto` nor a number from 1 to 256; hint: write auto for one per core"),
            ("workers: 257", "4:10: error: `workers`: `257` is neither `auto` nor a number from 1 to 256"),
            ("workers: -1", "4:10: error: `workers`: `-1` is neither `auto` nor a number from 1 to 256"),
            ("workers:", "4:9: error: `workers` has no value; hint: leave the key out to get the default"),
            ("workers: [1]", "4:10: error: `workers` must be a single value"),
            ("state_dir: \"\"", "4:12: error: `state_dir`: `` is not a path"),
            ("admin: /s", "4:8: error: `admin` must be a mapping (`key: value`)"),
            ("access_log: { format: jsn }", "4:23: error: `format`: `jsn` is not known here; hint: did you mean `json`?"),
            ("access_log: { format: xml }", "4:23: error: `format`: `xml` is not known here; hint: known are `json`, `combined`, `off`"),
            ("shutdown: { drain_timeout: 30 }", "4:28: error: `drain_timeout`: `30` is not a duration; hint: it needs a unit: 30s, 30ms"),
            (
                "defaults: { timeouts: { idle: 0s } }",
                "4:31: error: `idle`: must be above zero; hint: zero does not mean without end; to wait long, write 24h"
            ),
            (
                "defaults: { timeouts: { idle: 1y } }",
                "4:31: error: `idle`: `1y` is not a duration; hint: write a whole number and a unit: 250ms, 5s, 2m, 1h"
            ),
            ("defaults: { timeout: {} }", "4:13: error: unknown key `timeout`; hint: did you mean `timeouts`?"),
            ("defaults: { limits: { header_bytes: 1023 } }", "4:37: error: `header_bytes`: `1023` is not a size from 1KiB to 1MiB"),
            ("defaults: { limits: { header_bytes: 2MiB } }", "4:37: error: `header_bytes`: `2MiB` is not a size from 1KiB to 1MiB"),
            ("defaults: { limits: { header_count: 7 } }", "4:37: error: `header_count`: `7` is not a whole number from 8 to 1024"),
            (
                "defaults: { limits: { body_bytes: 1m } }",
                "4:35: error: `body_bytes`: `1m` is not a size; hint: write 1MiB, or a number of bytes"
            ),
            ("trusted_proxies: 10.0.0.0/8", "4:18: error: `trusted_proxies` must be a list; hint: write [10.0.0.0/8]"),
            (
                "trusted_proxies: [10.0.0.1/8]",
                "4:19: error: `trusted_proxies`: `10.0.0.1/8` has bits set behind its prefix; hint: write 10.0.0.0/8"
            ),
        ])
    func top(head: String, line: String) {
        #expect(load(file(head: head)).lines == ["t.yaml:" + line])
    }

    @Test(
        "keys whose function is not built are refused, in every form but the one that asks for nothing",
        arguments: [
            (file(service: ", passive: {}"), "2:69: error: `passive` is not supported by this version"),
            (file(service: ", slow_start: 10s"), "2:69: error: `slow_start` is not supported by this version"),
            (
                file(service: ", slow_start: soon"),
                "2:81: error: `slow_start`: `soon` is not a duration; hint: write a whole number and a unit: 250ms, 5s, 2m, 1h"
            ),
            (file(service: ", retries: { budget: \"20%\" }"), "2:80: error: `budget` is not supported by this version"),
        ])
    func unsupported(text: String, line: String) {
        #expect(load(text).lines == ["t.yaml:" + line])
    }

    @Test("what asks for nothing is accepted")
    func neutral() {
        #expect(load(file(listener: ", tls: null, proxy_protocol: false, protocols: [http/1.1]", service: ", slow_start: 0s")).lines == [])
        let pool = "protocol: http1, tls: null, proxy_protocol: null"
        let loaded = load(file().replacing("] } }", with: "], \(pool) } }"))
        #expect(loaded.lines == [])
        #expect(loaded.configuration == load(file()).configuration)
    }

    @Test(
        "a mistake in a listener is refused at its place",
        arguments: [
            ("[]", "1:12: error: `listeners` is empty"),
            ("{}", "1:12: error: `listeners` must be a list; hint: put `-` before each element"),
            ("[{ bind: [\"127.0.0.1:1\"] }]", "1:13: error: the listener has no `name`"),
            ("[{ name: web }]", "1:13: error: the listener has no `bind`; hint: write bind: [\"0.0.0.0:80\"]"),
            ("[{ name: web, bind: [] }]", "1:32: error: `bind` is empty; hint: write [\"0.0.0.0:80\"]"),
            ("[{ name: web, bind: \"127.0.0.1:1\" }]", "1:32: error: `bind` must be a list; hint: write [127.0.0.1:1]"),
            (
                "[{ name: -web, bind: [\"127.0.0.1:1\"] }]",
                "1:21: error: `name`: `-web` is not a name; hint: letters, digits, `_`, `.` and `-`, at most 63, a letter or digit first"
            ),
            (
                "[{ name: a, bind: [\"127.0.0.1:1\"] }, { name: a, bind: [\"127.0.0.1:2\"] }]",
                "1:57: error: duplicate listener `a`; hint: the first is in line 1"
            ),
            ("[{ name: a, bind: [\"[::1]:1\", \"[0::1]:1\"] }]", "1:42: error: this address is bound twice; hint: the first is in line 1"),
        ])
    func listener(value: String, line: String) {
        let text = "listeners: \(value)\nservices: { shop: { pools: { blue: { targets: [\"127.0.0.1:81\"] } } } }"
        #expect(load(text).lines == ["t.yaml:" + line])
    }

    @Test("port 0 may be bound more than once")
    func portZero() {
        let text = "listeners: [{ name: a, bind: [\"127.0.0.1:0\", \"127.0.0.1:0\"] }]\nroutes: [{ respond: {} }]"
        #expect(load(text).lines == [])
    }

    @Test(
        "a mistake in a service is refused at its place",
        arguments: [
            ("{ shop: {} }", "2:13: error: the service `shop` has no `pools`; hint: write pools: { blue: { targets: [\"host:port\"] } }"),
            ("{ shop: { pools: {} } }", "2:28: error: `pools` is empty; hint: a service needs a pool, if only to fill it later"),
            (
                "{ s p: { pools: { b: { targets: [\"h:1\"] } } } }",
                "2:13: error: service `s p` is not a name; hint: letters, digits, `_`, `.` and `-`, at most 63, a letter or digit first"
            ),
            (
                "{ shop: { pools: { a: { targets: [\"h:1\"] }, b: { targets: [\"h:2\"] } } } }",
                "2:13: error: the service `shop` has 2 pools and no `split`; hint: write split: { a: 100 }"
            ),
            (
                "{ shop: { pools: { a: { targets: [\"h:1\", \"H:1\"] } } } }",
                "2:52: error: duplicate target `H:1`; hint: it stands already in line 2; give it a weight to send it more"
            ),
            ("{ shop: { pools: { a: { targets: [\"h\"] } } } }", "2:45: error: `targets`: `h` has no port; hint: write h:80"),
            (
                "{ shop: { pools: { a: { targets: [{ weight: 2 }] } } } }",
                "2:45: error: the target has no `address`; hint: write { address: host:port, weight: 2 }"
            ),
            (
                "{ shop: { pools: { a: { targets: [{ address: \"h:1\", weight: 0 }] } } } }",
                "2:71: error: `weight`: `0` is not a whole number from 1 to 1000"
            ),
            (
                "{ shop: { pools: { a: { target: [\"h:1\"], targets: [] } } } }",
                "2:35: error: unknown key `target`; hint: did you mean `targets`?"
            ),
        ])
    func services(value: String, line: String) {
        let lines = load("listeners: [{ name: web, bind: [\"127.0.0.1:80\"] }]\nservices: \(value)").lines
        #expect(lines.filter { !$0.contains("warning") } == ["t.yaml:" + line])
    }

    @Test(
        "a mistake in a split is refused at its place",
        arguments: [
            ("{ gren: 1 }", "6:14: error: no pool `gren` in this service; hint: did you mean `green`?"),
            ("{ blue: 0 }", "6:12: error: `split` gives no pool any traffic; hint: write split: { blue: 100 }"),
            ("{}", "6:12: error: `split` gives no pool any traffic; hint: write split: { blue: 100 }"),
            (
                "{ blue: \"50%\", green: 50 }",
                "6:34: error: percentages and plain numbers are mixed; hint: write all of them with `%`, or none"
            ),
            ("{ blue: \"99%\", green: \"0.5%\" }", "6:14: error: the percentages do not sum to 100 %; hint: they sum to 99.5 %"),
            (
                "{ blue: most }",
                "6:20: error: `blue`: `most` is not a weight; hint: write a number such as 95 or 0.5, or a percentage such as \"99.9%\""
            ),
            (
                "{ blue: -1 }",
                "6:20: error: `blue`: `-1` is not a weight; hint: write a number such as 95 or 0.5, or a percentage such as \"99.9%\""
            ),
        ])
    func split(value: String, line: String) {
        let text = """
            listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
            services:
              shop:
                balance: round-robin
                pools: { blue: { targets: ["h:1"] }, green: { targets: ["h:2"] } }
                split: \(value)
            """
        #expect(load(text).lines == ["t.yaml:" + line])
    }

    @Test("a service's other values are checked too")
    func serviceValues() {
        let text = file(
            service:
                ", balance: round_robin, retries: { attempts: 99 }, limits: { queue: x }, drain: { timeout: -1s }, timeouts: { keepalive: 1s }"
        )
        #expect(
            load(text).lines == [
                "t.yaml:2:78: error: `balance`: `round_robin` is not known here; hint: did you mean `round-robin`?",
                "t.yaml:2:112: error: `attempts`: `99` is not a whole number from 0 to 16",
                "t.yaml:2:135: error: `queue`: `x` is not a whole number from 0 to 1000000",
                "t.yaml:2:158: error: `timeout`: `-1s` is not a duration; hint: write a whole number and a unit: 250ms, 5s, 2m, 1h",
                "t.yaml:2:177: error: unknown key `keepalive`; hint: known are `connect`, `idle`, `tunnel`, `response_header`",
            ])
    }

    @Test("missing parts are named")
    func missing() {
        #expect(
            load("workers: 2").lines == [
                "t.yaml:1:1: error: `listeners` is missing; hint: write listeners: [{ name: web, bind: [\"0.0.0.0:80\"] }]",
                "t.yaml:1:1: error: there is nothing to serve; hint: add `services`, or `routes` with `redirect` or `respond`",
            ])
    }

    @Test("all errors come at once, in file order")
    func allAtOnce() {
        let text = """
            services:
              shop:
                pools: { blue: { targets: ["10.0.0.1"] } }
                helth: {}
            routes:
              - match: { path: old }
                service: shpo
            workers: many
            listeners:
              - { name: web, bind: ["127.0.0.1:99999"] }
            """
        #expect(
            load(text).lines == [
                "t.yaml:3:32: error: `targets`: `10.0.0.1` has no port; hint: write 10.0.0.1:80",
                "t.yaml:4:5: error: unknown key `helth`; hint: did you mean `health`?",
                "t.yaml:6:20: error: `path`: `old` does not begin with `/`; hint: write /old",
                "t.yaml:7:14: error: no service `shpo`; hint: did you mean `shop`?",
                "t.yaml:8:10: error: `workers`: `many` is neither `auto` nor a number from 1 to 256",
                "t.yaml:10:25: error: `bind`: `127.0.0.1:99999` needs a port from 0 to 65535",
            ])
    }

    @Test("what a message quotes is short and without control characters")
    func quoting() {
        #expect(quoted("a\u{1b}[31m\n") == "`a\\u{1b}[31m\\u{a}`")
        #expect(quoted(String(repeating: "x", count: 61)) == "`" + String(repeating: "x", count: 60) + "…`")
    }

    @Test("thousands of pools with the largest weights are answered")
    func manyPools() {
        let names = (0..<20_000).map { "p\($0)" }
        let pools = names.map { "\($0): { targets: [] }" }.joined(separator: ", ")
        for unit in ["", "%"] {
            let split = names.map { "\($0): \"999999999.999999\(unit)\"" }.joined(separator: ", ")
            let text = "listeners: [{ name: w, bind: [\"[::]:0\"] }]\nservices:\n  s:\n    pools: { \(pools) }\n    split: { \(split) }"
            let errors = load(text).lines.filter { $0.contains("error") }
            #expect(errors.count == 2)
            #expect(errors.first?.hasPrefix("t.yaml:5:") == true)
        }
    }

    @Test("errors are shown even behind a flood of warnings")
    func warningFlood() {
        let pools = (0..<300).map { "p\($0): { targets: [] }" }.joined(separator: ", ")
        let lines = load(
            "listeners: [{ name: w, bind: [\"[::]:0\"] }]\nservices: { s: { pools: { \(pools) }, split: { p0: 1 } } }\nworker: 1"
        ).lines
        #expect(lines.contains("t.yaml:3:1: error: unknown key `worker`; hint: did you mean `workers`?"))
        #expect(lines.last == "t.yaml:3:1: error: 100 more, not shown")
    }
}
