import Testing

@testable import Config

@Suite struct RouteTests {
    private func firstRoute(_ text: String) -> RouteConfiguration? {
        load(file(route: text)).configuration?.routes.first
    }

    @Test("a route keeps what was written, hosts and matched names in lower case")
    func whole() throws {
        let route = try #require(
            firstRoute(
                """
                match: { hosts: [Shop.Example.com, "*.EXAMPLE.com", "[0:0::1]", 10.0.0.1], path: /api/v1, methods: [GET, PURGE], headers: { X-Env: 1.10 } },
                service: shop, request_headers: { set: { X-A: "1" }, add: { X-B: no }, remove: [X-C] }, response_headers: { remove: [server] },
                strip_prefix: /api, rewrite_host: "Inner:8080"
                """))
        #expect(route.match.hosts == ["shop.example.com", "*.example.com", "[::1]", "10.0.0.1"])
        #expect(route.match.path == "/api/v1")
        #expect(route.match.methods == ["GET", "PURGE"])
        #expect(route.match.headers == [HeaderValue(name: "x-env", value: "1.10")])
        #expect(route.action == .service("shop"))
        #expect(route.requestHeaders.set == [HeaderValue(name: "X-A", value: "1")])
        #expect(route.requestHeaders.add == [HeaderValue(name: "X-B", value: "no")])
        #expect(route.requestHeaders.remove == ["X-C"])
        #expect(route.responseHeaders.remove == ["server"])
        #expect(route.stripPrefix == "/api")
        #expect(route.rewriteHost == "inner:8080")
        #expect(route.place == "3:10")
    }

    @Test("a route without a match takes everything")
    func bare() throws {
        let route = try #require(firstRoute("service: shop"))
        #expect(route.match == RouteMatchConfiguration())
        #expect(route.requestHeaders.isEmpty)
    }

    @Test("a redirect and a fixed answer have defaults, and may edit their own headers")
    func answers() throws {
        #expect(firstRoute("redirect: { to: /new }")?.action == .redirect(to: "/new", status: 307))
        #expect(firstRoute("redirect: { to: \"https://x{path}\", status: 301 }")?.action == .redirect(to: "https://x{path}", status: 301))
        #expect(firstRoute("respond: {}")?.action == .respond(status: 200, body: "", contentType: "text/plain; charset=utf-8"))
        #expect(firstRoute("respond: { status: 204 }, response_headers: { set: { x: y } }")?.responseHeaders.set.count == 1)
    }

    @Test("the service that no route names takes the rest")
    func defaultService() throws {
        let text = """
            listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
            services: { a: { pools: { p: { targets: ["h:1"] } } }, b: { pools: { p: { targets: ["h:2"] } } } }
            routes: [{ match: { path: /a }, service: a }]
            """
        let loaded = load(text)
        #expect(loaded.lines == [])
        #expect(loaded.configuration?.defaultService?.name == "b")
        #expect(load(file(route: "service: shop")).configuration?.defaultService == nil)
    }

    @Test("only one service can take the rest")
    func twoDefaults() {
        let text = """
            listeners: [{ name: web, bind: ["127.0.0.1:80"] }]
            services: { a: { pools: { p: { targets: ["h:1"] } } }, b: { pools: { p: { targets: ["h:2"] } } } }
            """
        #expect(
            load(text).lines == [
                "t.yaml:2:56: error: the services `a`, `b` have no route; only one service can take everything; hint: add `routes`, so that at most one service is left without"
            ])
    }

    @Test("what can never act is warned about")
    func warnings() {
        #expect(
            load(file(route: "respond: {}")).lines
                == [
                    "t.yaml:2:13: warning: the service `shop` gets nothing; hint: no route names it, and the route at 3:10 takes everything"
                ])
        #expect(
            load(file(route: "service: shop }, { match: { hosts: [] }, service: shop")).lines
                == ["t.yaml:3:29: warning: the route never acts; hint: the one in line 3 has the same conditions"])
        #expect(
            load(file(route: "match: { methods: [get] }, service: shop")).lines
                == ["t.yaml:3:31: warning: methods are case-sensitive; `get` is not `GET`"])
        #expect(
            load(file(service: ", limits: { queue: 5 }")).lines
                == ["t.yaml:2:79: warning: `queue` is never used; hint: without `max_requests` no request has to wait"])
        let empty = "listeners: [{ name: w, bind: [\"127.0.0.1:0\"] }]\nservices: { s: { pools: { p: { targets: [] } } } }"
        #expect(load(empty).lines == ["t.yaml:2:27: warning: the pool `p` has no targets; hint: requests that it gets are answered 503"])
        #expect(load(empty).configuration != nil)
    }

    @Test(
        "a mistake in a route is refused at its place",
        arguments: [
            ("match: {}", "3:10: error: the route does nothing; hint: add one of `service`, `redirect`, `respond`"),
            (
                "service: shop, respond: {}",
                "3:27: error: the route has a second action, `respond`; hint: one of `service`, `redirect`, `respond`"
            ),
            ("service: shp", "3:21: error: no service `shp`; hint: did you mean `shop`?"),
            ("redirect: { status: 308 }", "3:22: error: the redirect has no `to`"),
            ("redirect: { to: /x, status: 300 }", "3:40: error: `status`: `300` is not known here; hint: did you mean `301`?"),
            (
                "redirect: { to: new.example.com }",
                "3:28: error: `to`: `new.example.com` is neither a path nor a URL; hint: write https://new.example.com or /new.example.com"
            ),
            (
                "redirect: { to: \"/{host}\" }",
                "3:28: error: `to`: `/{host}` has an unknown placeholder; hint: there is only {path}: the request's path and query"
            ),
            (
                "redirect: { to: \"/a b\" }",
                "3:28: error: `to`: `/a b` cannot stand in a Location; hint: visible ASCII only; percent-encode the rest"
            ),
            ("respond: { status: 199 }", "3:31: error: `status`: `199` is not a whole number from 200 to 599"),
            ("respond: { status: 204, body: x }", "3:36: error: a 204 response has no body"),
            ("respond: { content_type: \"a\\nb\" }", "3:37: error: `content_type`: a header value cannot hold a line break or NUL"),
            (
                "match: { hosts: [\"*\"] }, service: shop",
                "3:29: error: `hosts`: `*` matches nothing by itself; hint: leave `hosts` out to match every host"
            ),
            (
                "match: { hosts: [\"a.*.b\"] }, service: shop",
                "3:29: error: `hosts`: `a.*.b`: `*` may only be the whole first label; hint: write *.example.com"
            ),
            (
                "match: { hosts: [\"a.b:80\"] }, service: shop",
                "3:29: error: `hosts`: `a.b:80` has a port; hint: hosts are compared without their port; write the name alone"
            ),
            (
                "match: { hosts: [bücher.de] }, service: shop",
                "3:29: error: `hosts`: `bücher.de` is not an ASCII name; hint: write it in punycode (xn--…)"
            ),
            ("match: { hosts: [\"::1\"] }, service: shop", "3:29: error: `hosts`: `::1` needs brackets; hint: write [::1]"),
            (
                "match: { path: /a?b }, service: shop",
                "3:27: error: `path`: `/a?b` goes beyond the path; hint: queries are not matched; leave `?` and `#` out"
            ),
            (
                "match: { path: /ü }, service: shop",
                "3:27: error: `path`: `/ü` holds a character that no request path has; hint: percent-encode it"
            ),
            ("match: { methods: [\"G ET\"] }, service: shop", "3:31: error: `methods`: `G ET` is not a method; hint: write GET, POST …"),
            ("match: { headers: { \"x y\": 1 } }, service: shop", "3:32: error: `headers`: `x y` is not a header name"),
            ("match: { headers: { Host: a } }, service: shop", "3:32: error: Host is not matched as a header; hint: use `hosts`"),
            ("match: { headers: { x: 1, X: 2 } }, service: shop", "3:38: error: duplicate header `X`; hint: header names have no case"),
            ("service: shop, request_headers: { set: { Host: a } }", "3:53: error: `Host` cannot be edited; hint: use `rewrite_host`"),
            (
                "service: shop, response_headers: { remove: [content-length] }",
                "3:56: error: `content-length` cannot be edited; hint: it belongs to the connection, not to the message"
            ),
            (
                "service: shop, request_headers: { set: { x: \"a \" } }",
                "3:56: error: `x`: a header value cannot begin or end with a blank; hint: receivers drop them"
            ),
            (
                "service: shop, request_headers: { set: { x: \"\\e[0m\" } }",
                "3:56: error: `x`: a header value cannot hold control characters"
            ),
            ("service: shop, request_headers: { put: {} }", "3:46: error: unknown key `put`; hint: known are `set`, `add`, `remove`"),
            (
                "match: { path: /b }, service: shop, strip_prefix: /a",
                "3:62: error: `strip_prefix`: `/a` is not the beginning of the route's path `/b`; hint: write match: { path: /a }"
            ),
            (
                "match: { path: /ab }, service: shop, strip_prefix: /a",
                "3:63: error: `strip_prefix`: `/a` is not the beginning of the route's path `/ab`; hint: write match: { path: /a }"
            ),
            ("match: { path: /a }, service: shop, strip_prefix: /a/", "3:62: error: `strip_prefix`: `/a/` ends with `/`; hint: write /a"),
            ("service: shop, strip_prefix: /", "3:41: error: `strip_prefix`: `/` strips nothing; hint: leave the key out"),
            ("service: shop, rewrite_host: \"a b\"", "3:41: error: `rewrite_host`: `a b` is not a host name"),
            ("service: shop, rewrite_host: \"unix:/a\"", "3:41: error: `rewrite_host`: `unix:/a` is not a host"),
            (
                "redirect: { to: /n }, rewrite_host: a",
                "3:34: error: `rewrite_host` has no effect on a route without `service`; hint: remove it"
            ),
            (
                "respond: {}, request_headers: {}",
                "3:25: error: `request_headers` has no effect on a route without `service`; hint: remove it"
            ),
        ])
    func mistakes(text: String, line: String) {
        let lines = load(file(route: text)).lines
        #expect(lines.filter { !$0.contains("warning") } == ["t.yaml:" + line])
    }

    @Test("a fixed answer has a limit")
    func bodyLimit() {
        let body = String(repeating: "x", count: 64 * 1024)
        #expect(firstRoute("match: { path: /x }, respond: { body: \"\(body)\" }") != nil)
        #expect(
            load(file(route: "match: { path: /x }, respond: { body: \"\(body)x\" }")).lines
                == ["t.yaml:3:50: error: `body`: longer than 64 KiB; hint: serve it from a target"])
    }
}
