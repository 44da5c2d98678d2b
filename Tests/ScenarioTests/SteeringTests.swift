import TestSupport
import Testing

/// Who is sent where: rules, sticky keys, the exact sequence. The real process over real connections.
@Suite struct SteeringTests {
    private struct Pair {
        let blue: ScriptedUpstream
        let green: ScriptedUpstream

        init() throws {
            blue = try ScriptedUpstream(ScriptedUpstream.answering("blue"))
            green = try ScriptedUpstream(ScriptedUpstream.answering("green"))
        }

        /// - Parameter green: weight in percent.
        func yaml(green weight: String = "0%", _ service: String = "", top: String = "") -> String {
            let blueWeight = "\(100 - (Double(weight.dropLast()) ?? 0))%"
            return """
                \(top)
                listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
                services:
                  shop:
                    pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
                    split: { blue: "\(blueWeight)", green: "\(weight)" }
                    \(service)
                """
        }
    }

    private static let believed = "trusted_proxies: [127.0.0.0/8]"

    // MARK: - Rules

    @Test("testers reach the idle pool by header, cookie, query or network; everybody else stays on the live one")
    func preview() throws {
        let pair = try Pair()
        let rules = """
            rules:
                  - { when: { header: { x-preview: green } }, pool: green }
                  - { when: { cookie: { group: testers } }, pool: green }
                  - { when: { query: { version: next } }, pool: green }
                  - { when: { client: [198.51.100.0/24, "2001:db8::/32"], header: { x-office: "1" } }, pool: green }
            """
        try staged(pair.yaml(rules, top: Self.believed), workers: 2) { sluice in
            let client = try sluice.client()
            for _ in 0..<5 {
                #expect(try client.get().text == "blue")
                #expect(try client.get("/", host: "a.test", "X-Preview: green").text == "green")
                #expect(try client.get("/", host: "a.test", "Cookie: a=b; group=testers; c=d").text == "green")
                #expect(try client.get("/page?x=1&version=next").text == "green")
                #expect(try client.get("/", host: "a.test", "X-Office: 1", "X-Forwarded-For: 198.51.100.9").text == "green")
                #expect(try client.get("/", host: "a.test", "X-Office: 1", "X-Forwarded-For: 2001:db8::1").text == "green")
                #expect(try client.get("/", host: "a.test", "X-Office: 1", "X-Forwarded-For: 203.0.113.1").text == "blue")
                #expect(try client.get("/", host: "a.test", "X-Office: 1").text == "blue")
                #expect(try client.get("/", host: "a.test", "X-Preview: Green", "Cookie: group=tester").text == "blue")
                #expect(try client.get("/page?version=next2").text == "blue")
            }
        }
    }

    @Test("the log tells what chose, and which rule")
    func logged() throws {
        let pair = try Pair()
        let service = """
            sticky: { key: { cookie: uid } }
                rules:
                  - { when: { header: { x-preview: green } }, pool: green }
            """
        try staged(pair.yaml(service)) { sluice in
            let client = try sluice.client()
            #expect(try client.get("/rule", host: "a.test", "X-Preview: green").text == "green")
            #expect(try client.get("/sticky", host: "a.test", "Cookie: uid=a").text == "blue")
            #expect(try client.get("/split").text == "blue")
            #expect(eventually { sluice.logLines().count == 3 })
            let lines = sluice.logLines()
            #expect(lines.map { $0["chosen_by"].string } == ["rule", "sticky", "split"])
            #expect(lines.map { $0["pool"].string } == ["green", "blue", "blue"])
            #expect(lines.dropFirst().allSatisfy { $0["rule"].string?.isEmpty == true })
            #expect(lines.first?["rule"].string?.hasSuffix(":9") == true, "line and column of the rule: \(lines)")
        }
    }

    @Test("a rule holds for a retry, and for a request that waited in the queue")
    func ruleOnRetry() throws {
        let pair = try Pair()
        // Each connection answers once and dies on the second request, so that a kept-alive one fails and is retried.
        pair.green.play { peer in
            _ = try peer.wholeRequest()
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngreen")
            _ = try peer.wholeRequest()
        }
        let service = """
            limits: { max_requests: 1, queue: 100, queue_timeout: 10s }
                rules: [{ when: { header: { x-preview: green } }, pool: green }]
            """
        try staged(pair.yaml(service)) { sluice in
            let place = try sluice.place()
            let clients = try (0..<8).map { _ in try RawClient(place) }
            for _ in 0..<5 {
                for (index, client) in clients.enumerated() {
                    try client.send(request("GET", "/", index % 2 == 0 ? "X-Preview: green" : "X-Other: 1"))
                }
                for (index, client) in clients.enumerated() {
                    #expect(try client.readAnswer().text == (index % 2 == 0 ? "green" : "blue"))
                }
            }
        }
    }

    @Test("a rule for a pool without targets answers 503 and leaves the others alone")
    func emptyPool() throws {
        let pair = try Pair()
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { blue: { targets: ["\(pair.blue.place)"] }, green: { targets: [] } }
                split: { blue: 100 }
                rules: [{ when: { query: { v: "2" } }, pool: green }]
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            #expect(try client.get("/?v=2").status == 503)
            #expect(try client.get("/").text == "blue")
        }
    }

    // MARK: - Sticky keys

    @Test(
        "users stay where they are while the canary grows, and only ever move onto it",
        arguments: ["{ cookie: uid }", "{ header: x-user }", "client_ip"])
    func ramp(key: String) throws {
        let pair = try Pair()
        let users = 120
        let line: (Int) -> String = { user in
            switch key {
            case "client_ip": "X-Forwarded-For: 198.51.100.\(user)"
            case "{ cookie: uid }": "Cookie: lang=de; uid=user-\(user)"
            default: "X-User: user-\(user)"
            }
        }
        let sticky = "sticky: { key: \(key) }"
        try staged(pair.yaml(green: "0%", sticky, top: Self.believed), workers: 3) { sluice in
            let place = try sluice.place()
            let clients = try (0..<6).map { _ in try RawClient(place) }
            var onGreen = Set<Int>()
            for weight in ["0%", "1%", "10%", "40%", "80%", "100%"] {
                let reload = try sluice.reload(pair.yaml(green: weight, sticky, top: Self.believed))
                #expect(reload.exit == .code(0), "\(reload.errors)")
                var now = Set<Int>()
                for user in 0..<users {
                    let first = try clients[user % 6].get("/", host: "a.test", line(user)).text
                    #expect(try clients[(user + 1) % 6].get("/", host: "a.test", line(user)).text == first)
                    if first == "green" { now.insert(user) }
                }
                #expect(onGreen.isSubset(of: now), "at \(weight)")
                // The keys are fixed, so is what they hash to: no chance in here.
                let share = Double(now.count) / Double(users)
                #expect(abs(share - (Double(weight.dropLast()) ?? 0) / 100) < 0.15, "at \(weight): \(now.count)")
                onGreen = now
            }
            #expect(onGreen.count == users)
        }
    }

    @Test("the same users are on the canary in another process")
    func sameEverywhere() throws {
        let pair = try Pair()
        var seen: [[String]] = []
        for workers in [1, 3] {
            try staged(pair.yaml(green: "30%", "sticky: { key: { cookie: uid } }"), workers: workers) { sluice in
                let client = try sluice.client()
                seen.append(try (0..<60).map { try client.get("/", host: "a.test", "Cookie: uid=\($0)").text })
            }
        }
        #expect(seen.first == seen.last && Set(seen.joined()) == ["blue", "green"])
    }

    @Test("who has no key follows the exact sequence beside those who have")
    func keyless() throws {
        let pair = try Pair()
        try staged(pair.yaml(green: "50%", "sticky: { key: { cookie: uid } }"), workers: 1) { sluice in
            let client = try sluice.client()
            var texts: [String] = []
            for round in 0..<10 {
                texts.append(try client.get().text)
                _ = try client.get("/", host: "a.test", "Cookie: uid=\(round)")
            }
            #expect(texts == (0..<10).map { $0 % 2 == 0 ? "blue" : "green" })
        }
    }

    @Test("an issued cookie brings its client back to the pool of its first answer")
    func issued() throws {
        let pair = try Pair()
        try staged(pair.yaml(green: "50%", "sticky: { key: { cookie: uid }, issue: true }"), workers: 2) { sluice in
            var pools = Set<String>()
            var values = Set<String>()
            for _ in 0..<40 {
                let client = try sluice.client()
                let first = try client.get()
                let cookie = try #require(first["set-cookie"])
                let value = try #require(cookie.split(separator: ";").first).dropFirst("uid=".count)
                #expect(cookie == "uid=\(value); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
                #expect(value.utf8.count == 22)
                pools.insert(first.text)
                values.insert(String(value))
                for _ in 0..<3 {
                    let next = try client.get("/", host: "a.test", "Cookie: uid=\(value)")
                    #expect(next.text == first.text && next["set-cookie"] == nil)
                }
            }
            #expect(pools == ["blue", "green"] && values.count == 40)
        }
    }

    @Test("an issued cookie stands beside the upstream's own, in each form of answer, and gives way to one of its name")
    func issuedBeside() throws {
        let pair = try Pair()
        let heads = [
            "/plain": "Content-Length: 2\r\nDate: Sat, 21 Nov 2026 12:00:00 GMT\r\nSet-Cookie: other=1\r\n\r\nok",
            "/chunked": "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "/named": "Content-Length: 2\r\nSet-Cookie: uid=mine; Path=/\r\n\r\nok",
            "/longer": "Content-Length: 2\r\nSet-Cookie: uid2=x\r\n\r\nok",
        ]
        let script: ScriptedUpstream.Script = { peer in
            while true { try peer.send("HTTP/1.1 200 OK\r\n" + (heads[try peer.wholeRequest().target] ?? "Content-Length: 0\r\n\r\n")) }
        }
        pair.blue.play(script)
        try staged(pair.yaml("sticky: { key: { cookie: uid }, issue: true }")) { sluice in
            let client = try sluice.client()
            let plain = try client.get("/plain").head.values("set-cookie")
            #expect(plain.count == 2 && plain.first == "other=1" && plain.last?.hasPrefix("uid=") == true)
            #expect(try client.get("/chunked").head.values("set-cookie").count == 1)
            #expect(try client.get("/named").head.values("set-cookie") == ["uid=mine; Path=/"])
            #expect(try client.get("/longer").head.values("set-cookie").count == 2)
            #expect(try client.get("/plain", host: "a.test", "Cookie: uid=x").head.values("set-cookie") == ["other=1"])
        }
    }

    @Test("a client keeps its issued key over the retry of its first request")
    func issuedOnRetry() throws {
        let pair = try Pair()
        let dying = try ScriptedUpstream(ScriptedUpstream.once { $0.waitUntilAbandoned() })
        dying.stop()
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools:
                  blue: { targets: ["\(dying.place)", "\(pair.blue.place)"] }
                  green: { targets: ["\(dying.place)", "\(pair.green.place)"] }
                split: { blue: 50, green: 50 }
                sticky: { key: { cookie: uid }, issue: true }
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            for _ in 0..<20 {
                let first = try client.get()
                let value = try #require(first["set-cookie"]?.split(separator: ";").first)
                #expect(try client.get("/", host: "a.test", "Cookie: \(value)").text == first.text)
            }
        }
    }

    // MARK: - The exact sequence

    @Test("a canary of 1 % is ten of a thousand on four loops, over kept-alive connections and new ones")
    func canary() throws {
        let pair = try Pair()
        try staged(pair.yaml(green: "1%"), workers: 4) { sluice in
            let place = try sluice.place()
            let clients = try (0..<12).map { _ in try RawClient(place) }
            var hits: [Int] = []
            for number in 1...1000 {
                let answer =
                    number % 10 == 0
                    ? try RawClient(place).get("/", host: "a.test", "Connection: close") : try clients[number % clients.count].get()
                if answer.text == "green" { hits.append(number) }
            }
            #expect(hits == stride(from: 100, through: 1000, by: 100).map { $0 })
        }
    }
}
