import TestSupport
import Testing

/// Header fields: what is taken off, what is added, and what stays as it was, byte for byte.
@Suite struct FieldTests {
    @Test("fields of the hop and those named by Connection stay behind, all others pass (RFC 9110 §7.6.1)")
    func hopFields() throws {
        let answer =
            "HTTP/1.1 200 OK\r\nConnection: x-private\r\nX-Private: 1\r\nKeep-Alive: timeout=99\r\nProxy-Connection: x\r\nX-Open: 2\r\nContent-Length: 2\r\n\r\nok"
        try staged(ScriptedUpstream.replying(answer)) { stage in
            let got = try stage.client().get(
                "/", host: "a.test", "Connection: x-secret, keep-alive", "X-Secret: 1", "Keep-Alive: timeout=5",
                "Proxy-Connection: keep-alive",
                "TE: gzip", "X-Open: 1")
            let seen = try #require(stage.origin.requests.first).head
            for name in ["x-secret", "keep-alive", "proxy-connection", "te"] { #expect(seen[name] == nil, "\(name)") }
            #expect(seen["x-open"] == "1")
            #expect(seen["connection"]?.contains("x-secret") != true)
            #expect(got["x-private"] == nil && got["proxy-connection"] == nil && got["keep-alive"]?.contains("99") != true)
            #expect(got["x-open"] == "2")
        }
    }

    @Test("HTTP2-Settings and Upgrade: h2c do not pass")
    func h2cUpgrade() throws {
        try staged { stage in
            _ = try stage.client().get(
                "/", host: "a.test", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
            let seen = try #require(stage.origin.requests.first).head
            #expect(seen["http2-settings"] == nil && seen["upgrade"]?.contains("h2c") != true)
        }
    }

    @Test("Connection cannot strip what routes or frames a message")
    func nominations() throws {
        try staged { stage in
            let answer = try stage.client().ask(
                request(
                    "POST", "/", "Connection: host, content-length, x-forwarded-for", "Content-Length: 5", "X-Forwarded-For: 6.6.6.6",
                    body: "hello"))
            if answer.status == 200 {
                let seen = try #require(stage.origin.requests.first)
                #expect(seen.head["host"] == "a.test")
                #expect(seen.body.text == "hello" && seen.body.isWhole)
                #expect(seen.head["x-forwarded-for"] == "127.0.0.1")
            } else {
                #expect(answer.status == 400)
            }
        }
    }

    @Test("names keep their case, fields their order and repetition, values their bytes")
    func fieldsKept() throws {
        let answer = "HTTP/1.1 200 OK\r\nSeT-CooKie: a=1\r\nX-weird_Name: \u{e9}\u{ff}\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\nok"
        try staged(ScriptedUpstream.replying(answer)) { stage in
            let got = try stage.client().get("/", host: "a.test", "X-L: 1", "aCcEpT: */*", "x-l: 2", "X-l: \u{e9}", "X-Empty:")
            let seen = try #require(stage.origin.requests.first).head
            let order = seen.lines.filter { $0.lowercased().hasPrefix("x-l") }
            #expect(order == ["X-L: 1", "x-l: 2", "X-l: \u{e9}"])
            #expect(seen.lines.contains("aCcEpT: */*"))
            #expect(seen.values("x-empty") == [""])
            #expect(got.head.lines.filter { $0.lowercased().hasPrefix("set-cookie") } == ["SeT-CooKie: a=1", "set-cookie: b=2"])
            #expect(got.head.lines.contains("X-weird_Name: \u{e9}\u{ff}"))
        }
    }

    @Test("Via is added behind what is there (RFC 9110 §7.6.3)")
    func via() throws {
        try staged { stage in
            _ = try stage.client().get("/", host: "a.test", "Via: 1.0 before")
            _ = try stage.client().ask("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
            let values = stage.origin.requests.map { $0.head["via"] ?? "" }
            #expect(values[0].hasPrefix("1.0 before, 1.1 "))
            #expect(values[1].hasPrefix("1.0 "), "the version that the request came in")
        }
    }

    @Test("a stranger's forwarding fields are replaced by the truth")
    func untrusted() throws {
        try staged { stage in
            _ = try stage.client().get(
                "/", host: "shop.test:8080", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test",
                "Forwarded: for=6.6.6.6;proto=https", "X-Request-Id: chosen-by-client",
                "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            let seen = try #require(stage.origin.requests.first).head
            #expect(seen.values("x-forwarded-for") == ["127.0.0.1"])
            #expect(seen.values("x-forwarded-proto") == ["http"])
            #expect(seen.values("x-forwarded-host") == ["shop.test:8080"])
            let forwarded = seen.values("forwarded")
            #expect(
                forwarded.count == 1 && forwarded[0].contains("for=127.0.0.1") && forwarded[0].contains("proto=http")
                    && !forwarded[0].contains("6.6.6.6"))
            #expect(forwarded.first?.contains("host=\"shop.test:8080\"") == true)
            let id = seen.values("x-request-id")
            #expect(id.count == 1 && id != ["chosen-by-client"])
            #expect(seen["traceparent"] == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        }
    }

    @Test("a trusted proxy's forwarding fields are kept and added to")
    func trusted() throws {
        try staged(top: "trusted_proxies: [127.0.0.0/8]") { stage in
            _ = try stage.client().get(
                "/", host: "shop.test", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: front.test",
                "Forwarded: for=6.6.6.6;proto=https", "X-Request-Id: from-front")
            let seen = try #require(stage.origin.requests.first).head
            #expect(seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1")
            #expect(seen.values("x-forwarded-proto") == ["https"])
            #expect(seen.values("x-forwarded-host") == ["front.test"])
            #expect(seen["forwarded"]?.hasPrefix("for=6.6.6.6;proto=https, for=127.0.0.1") == true)
            #expect(seen.values("x-request-id") == ["from-front"])
        }
    }

    @Test("who is refused, redirected or answered by the route leaves a whole line, too, under the id that a trusted proxy gave")
    func ownAnswersAreLogged() throws {
        let yaml = """
            trusted_proxies: [127.0.0.0/8]
            defaults: { limits: { body_bytes: 10B } }
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes:
              - { match: { path: /old }, redirect: { to: "https://new.test", status: 308 } }
              - { match: { path: /ping }, respond: { status: 200, body: "pong\\n" } }
              - { match: { path: /large }, respond: { status: 200, body: "never\\n" } }
            services: {}
            """
        try staged(yaml) { sluice in
            for (target, status) in [("/old", 308), ("/ping", 200), ("/none", 404), ("/large", 413)] {
                let body = target == "/large" ? "0123456789abc" : ""
                let answer = try sluice.client().ask(
                    request(
                        "POST", target, "User-Agent: agent\(target)", "Referer: https://x.test\(target)", "X-Request-Id: id=\(target)<\"",
                        "Content-Length: \(body.count)", body: body))
                #expect(answer.status == status)
                if status >= 400 {
                    #expect(JSON(answer.text)?["request_id"].string == "id=\(target)<\"", "\(answer.text)")
                    #expect(!answer.text.contains("<"))
                }
            }
            let page = try sluice.client().get("/page", host: "a.test", "Accept: text/html", "X-Request-Id: a\"<b>&")
            #expect(page.text.contains("<p>Request a&#x22;&#x3c;b&#x3e;&#x26;</p>"), "\(page.text)")
            #expect(eventually { sluice.logLines().count == 5 })
            for line in sluice.logLines().prefix(4) {
                let target = line["target"].string ?? ""
                #expect(line["user_agent"].string == "agent\(target)")
                #expect(line["referer"].string == "https://x.test\(target)")
                #expect(line["request_id"].string == "id=\(target)<\"")
            }
        }
    }

    @Test("request ids are made for each request, differ, and stand in the log")
    func requestIDs() throws {
        try staged { stage in
            let client = try stage.client()
            for _ in 0..<10 { #expect(try client.get().status == 200) }
            let ids = stage.origin.requests.compactMap { $0.head["x-request-id"] }
            #expect(Set(ids).count == 10)
            #expect(ids.allSatisfy { $0.utf8.count >= 16 && $0.utf8.count <= 64 })
            #expect(eventually { Set(stage.sluice.logLines().compactMap { $0["request_id"].string }) == Set(ids) })
        }
    }

    @Test("Date is added where the upstream gave none, and kept where it did (RFC 9110 §6.6.1)")
    func date() throws {
        try staged { stage in
            let made = try #require(try stage.client().get()["date"])
            #expect(made.hasSuffix(" GMT") && made.utf8.count == 29)
            stage.origin.play(
                ScriptedUpstream.replying("HTTP/1.1 200 OK\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 2\r\n\r\nok"))
        }
        try staged(ScriptedUpstream.replying("HTTP/1.1 200 OK\r\nDate: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length: 2\r\n\r\nok")) {
            stage in
            let client = try stage.client()
            #expect(try client.get().head.values("date") == ["Tue, 15 Nov 1994 08:12:31 GMT"])
        }
    }

    @Test("errors of the proxy's own speak the client's language")
    func errorPages() throws {
        let dead = try RefusingPort()
        try staged(SluiceProcess.forwarding(to: [dead.place])) { sluice in
            let client = try sluice.client()
            let problem = try client.get("/", host: "a.test", "Accept: application/json")
            #expect(problem["content-type"]?.hasPrefix("application/problem+json") == true)
            let json = try #require(JSON(problem.text))
            #expect(json["status"].int == problem.status)
            #expect(json["title"].string != nil)
            let page = try client.get("/", host: "a.test", "Accept: text/html,application/xhtml+xml,*/*;q=0.8")
            #expect(page["content-type"]?.hasPrefix("text/html") == true)
            #expect(page.text.lowercased().contains("<html"))
            let head = try client.ask(request("HEAD"))
            #expect(head.status == problem.status && head.text.isEmpty && head.isWhole)
            #expect(try client.get().status == problem.status, "the connection is in step")
        }
    }
}
