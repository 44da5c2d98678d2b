import TestSupport
import Testing

/// Which service a request goes to, and what a route does to it on the way.
@Suite struct RouteTests {
    /// A service for each name, each answering with its own name.
    private func houses(_ names: [String]) throws -> (origins: [ScriptedUpstream], yaml: String) {
        let origins = try names.map { try ScriptedUpstream(ScriptedUpstream.answering($0)) }
        let services = zip(names, origins).map { "  \($0): { pools: { only: { targets: [\"\($1.place)\"] } } }" }
        return (origins, "services:\n" + services.joined(separator: "\n"))
    }

    @Test("the most specific route wins: host, then path, then conditions")
    func specificity() throws {
        let (origins, services) = try houses(["exact", "wild", "deep", "any", "api", "write", "tester"])
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes:
              - { match: { path: / }, service: any }
              - { match: { hosts: ["*.shop.test"] }, service: wild }
              - { match: { hosts: ["*.deep.shop.test"] }, service: deep }
              - { match: { hosts: [shop.test, a.shop.test] }, service: exact }
              - { match: { hosts: [shop.test], path: /api }, service: api }
              - { match: { hosts: [shop.test], path: /api, methods: [POST, PUT] }, service: write }
              - { match: { hosts: [shop.test], path: /api, methods: [POST], headers: { x-env: test } }, service: tester }
            \(services)
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            let table: [(String, String, String, [String], String)] = [
                ("GET", "shop.test", "/", [], "exact"), ("GET", "SHOP.TEST:8080", "/x", [], "exact"),
                ("GET", "a.shop.test", "/", [], "exact"),
                ("GET", "b.shop.test", "/", [], "wild"), ("GET", "a.b.shop.test", "/", [], "wild"),
                ("GET", "x.deep.shop.test", "/", [], "deep"),
                ("GET", "other.test", "/", [], "any"), ("GET", "notshop.test", "/", [], "any"), ("GET", "127.0.0.1", "/api", [], "any"),
                ("GET", "shop.test", "/api", [], "api"), ("GET", "shop.test", "/api/x", [], "api"),
                ("GET", "shop.test", "/api?q", [], "api"),
                ("GET", "shop.test", "/apis", [], "exact"), ("POST", "shop.test", "/api", [], "write"),
                ("PUT", "shop.test", "/api", [], "write"),
                ("POST", "shop.test", "/api", ["X-Env: test"], "tester"), ("POST", "shop.test", "/api", ["X-Env: Test"], "write"),
                ("post", "shop.test", "/api", [], "api"),
            ]
            for (method, host, target, fields, service) in table {
                let lines = fields.map { $0 + "\r\n" }.joined()
                let answer = try client.ask("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 0\r\n\(lines)\r\n")
                #expect(answer.text == service, "\(method) \(host)\(target) \(fields)")
            }
        }
        _ = origins
    }

    @Test("no route is a 404 of our own, and redirects and fixed answers need no upstream")
    func ownAnswers() throws {
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes:
              - { match: { path: /old }, redirect: { to: "https://new.test", status: 308 } }
              - { match: { path: /moved }, redirect: { to: "https://new.test{path}", status: 302 } }
              - { match: { path: /ping }, respond: { status: 200, body: "pong\\n" } }
              - { match: { path: /empty }, respond: { status: 204 } }
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            #expect(try client.get("/none").status == 404)
            let redirect = try client.get("/old/x?y")
            #expect(redirect.status == 308 && redirect["location"] == "https://new.test")
            #expect(try client.get("/moved/x?y")["location"] == "https://new.test/moved/x?y")
            let pong = try client.get("/ping")
            #expect(pong.status == 200 && pong.text == "pong\n")
            #expect(try client.post("/ping", "with a body").text == "pong\n")
            let head = try client.ask(request("HEAD", "/ping"))
            #expect(head["content-length"] == "5" && head.text.isEmpty)
            #expect(try client.get("/empty").status == 204)
            #expect(try client.get("/ping").text == "pong\n", "the connection is in step")
        }
    }

    @Test("a route edits fields, takes its prefix off and renames the host")
    func edits() throws {
        let origin = try ScriptedUpstream(
            ScriptedUpstream.replying("HTTP/1.1 200 OK\r\nServer: secret\r\nX-Powered-By: old\r\nX-Keep: 1\r\nContent-Length: 2\r\n\r\nok"))
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes:
              - match: { path: /app }
                service: shop
                request_headers: { set: { X-Front: sluice }, add: { x-tag: two }, remove: [x-secret] }
                response_headers: { set: { x-frame: deny }, remove: [server, x-powered-by] }
                strip_prefix: /app
                rewrite_host: inner.test
            services: { shop: { pools: { only: { targets: ["\(origin.place)"] } } } }
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            let answer = try client.get(
                "/app/a%20b?q=1", host: "outer.test", "X-Secret: 1", "x-front: forged", "X-Front: forged too", "X-Tag: one")
            #expect(answer.status == 200)
            #expect(answer["server"] == nil && answer["x-powered-by"] == nil && answer["x-keep"] == "1" && answer["x-frame"] == "deny")
            _ = try client.get("/app", host: "outer.test")
            _ = try client.get("/app?q", host: "outer.test")
            _ = try client.get("/app/", host: "outer.test")
            let seen = origin.requests.map(\.head)
            #expect(seen.map(\.target) == ["/a%20b?q=1", "/", "/?q", "/"])
            #expect(seen.allSatisfy { $0.values("host") == ["inner.test"] })
            #expect(seen[0].values("x-front") == ["sluice"] && seen[0]["x-secret"] == nil && seen[0].values("x-tag") == ["one", "two"])
            #expect(seen[0]["x-forwarded-host"] == "outer.test")
        }
    }
}
