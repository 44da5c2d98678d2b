import TestSupport
import Testing

/// What the proxy tells clients about TLS, and gRPC clients about errors: on listeners without TLS. Those with TLS are in Tests/Peers.
@Suite struct EdgeTests {
    private static let yaml = """
        listeners:
          - { name: web, bind: ["127.0.0.1:0"], redirect_to_https: true }
          - { name: mapped, bind: ["127.0.0.1:0"], redirect_to_https: 8443 }
        routes:
          - { match: { path: /.well-known/acme-challenge/ }, respond: { status: 200, body: "token" } }
          - { match: { path: / }, respond: { status: 200, body: "never" } }
        services: {}
        """

    @Test("a listener that redirects to https serves nothing but the challenges that a route was made for")
    func redirects() throws {
        try staged(Self.yaml) { sluice in
            let client = try sluice.client()
            let cases = [
                ("/", "a.test", "https://a.test/"), ("/x%20y/?q=1&r", "a.test:8080", "https://a.test/x%20y/?q=1&r"),
                ("//evil.test/", "[::1]:80", "https://[::1]//evil.test/"), ("http://b.test?q", "a.test", "https://b.test/?q"),
                ("/.well-known/other", "unknown.test", "https://unknown.test/.well-known/other"),
            ]
            for (target, host, location) in cases {
                let answer = try client.get(target, host: host)
                #expect(answer.status == 308 && answer["location"] == location, "\(target) \(answer.head.lines)")
                #expect(answer.body.bytes.isEmpty)
            }
            let posted = try client.post("/form", "0123456789")
            #expect(posted.status == 308 && posted["location"] == "https://a.test/form", "the body is in step")
            #expect(try client.get("/.well-known/acme-challenge/abc").text == "token")
            let star = try client.ask(request("OPTIONS", "*"))
            #expect(star["location"] == "https://a.test/")
            #expect(try sluice.client("mapped").get("/a", host: "a.test:80")["location"] == "https://a.test:8443/a")
            #expect(try sluice.client().ask("GET / HTTP/1.0\r\n\r\n").status == 400, "nobody knows where to")
        }
    }

    @Test("a connection of HTTP/1.1 that is of age ends with the response under way, a younger one does not")
    func age() throws {
        let yaml = """
            listeners:
              - { name: young, bind: ["127.0.0.1:0"], max_connection_age: 1h }
              - { name: old, bind: ["127.0.0.1:0"], max_connection_age: 1ms }
            routes: [{ match: { path: / }, respond: { status: 200, body: "ok" } }]
            services: {}
            """
        try staged(yaml) { sluice in
            let young = try sluice.client("young")
            for _ in 0..<3 { #expect(try young.get()["connection"] == nil) }
            let old = try sluice.client("old")
            let isAsked = try eventually { try old.get()["connection"] == "close" }
            #expect(isAsked)
            #expect(old.isEnded)
        }
    }

    @Test("a client's own Client-Cert passes on no listener, however it is spelled; a trusted proxy's does")
    func clientCertificates() throws {
        let forged = [
            "Client-Cert: :Zm9yZ2Vk:", "client-cert: :YQ==:", "CLIENT_CERT: :YQ==:", "Client-Cert-Chain: :YQ==:",
            "Client-Cert_Chain: :YQ==:",
        ]
        let text = request("GET", "/", "X-Kept: 1").replacing("X-Kept: 1\r\n", with: forged.map { $0 + "\r\n" }.joined() + "X-Kept: 1\r\n")
        for (top, isKept) in [("", false), ("trusted_proxies: [127.0.0.0/8]", true)] {
            try staged(top: top) { stage in
                _ = try stage.client().ask(text)
                let seen = try #require(stage.origin.requests.first).head
                #expect(seen["x-kept"] == "1")
                let names = seen.lines.filter { $0.lowercased().hasPrefix("client") }
                #expect(names == (isKept ? forged : []), "\(names)")
            }
        }
    }

    @Test("an error of ours is a gRPC status to a gRPC call, and the access log keeps the HTTP status")
    func grpcErrors() throws {
        let yaml = """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            routes: [{ match: { path: /down }, service: shop }]
            services: { shop: { pools: { only: { targets: ["127.0.0.1:1"] } } } }
            """
        try staged(yaml) { sluice in
            let client = try sluice.client()
            for (path, status, code) in [("/down", 502, "14"), ("/none", 404, "12")] {
                let call = request("POST", path, "Content-Type: application/grpc+proto", "Content-Length: 3", body: "abc")
                let answer = try client.ask(call)
                #expect(
                    answer.status == 200 && answer["content-type"] == "application/grpc" && answer["grpc-status"] == code,
                    "\(answer.head.lines)")
                #expect(answer["grpc-message"]?.hasPrefix("\(status) ") == true && answer.body.bytes.isEmpty)
                let plain = try client.ask(request("POST", path, "Content-Type: application/grpc-web", "Content-Length: 3", body: "abc"))
                #expect(plain.status == status && plain["grpc-status"] == nil)
            }
            #expect(eventually { sluice.logLines().compactMap { $0["status"].int }.sorted() == [404, 404, 502, 502] })
        }
    }
}
