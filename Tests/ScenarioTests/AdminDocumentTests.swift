import TestSupport
import Testing

/// docs/openapi.yaml against the real process: nothing is promised that is not served, and nothing answered that is not promised.
@Suite struct AdminDocumentTests {
    private static let repository = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    /// A Python that has what Tests/openapi.py needs (scripts/setup test sees to it).
    private static func python(_ modules: String) -> String? {
        ["python3", "/usr/bin/python3"].first { (try? Program.run([$0, "-c", "import \(modules)"]).succeeded) == true }
    }

    /// Two pools behind one listener, with the ids of clients believed.
    private func stage(_ scene: (SluiceProcess, _ places: [Place]) throws -> Void) throws {
        let origins = try (0..<5).map { _ in try ScriptedUpstream(ScriptedUpstream.answering("ok")) }
        let yaml = """
            trusted_proxies: [127.0.0.0/8]
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools:
                  blue: { targets: ["\(origins[0].place)", "\(origins[1].place)"] }
                  green: { targets: ["\(origins[2].place)"] }
                split: { blue: 100 }
                health: { protocol: tcp, interval: 50ms, timeout: 50ms, rise: 1, fall: 3 }
            """
        let sluice = try SluiceProcess(yaml)
        #expect(eventually { (try? sluice.client().get("/", host: "a.test", "X-Request-Id: 0193f3a2-explained").status) == 200 })
        try scene(sluice, origins.map(\.place))
    }

    @Test("every operation of the document is served and answers as it says, refusals included")
    func document() throws {
        let python = try #require(Self.python("yaml, jsonschema"), "PyYAML and jsonschema are missing: scripts/setup test")
        try stage { sluice, places in
            let result = try Program.run(
                [
                    python, Self.repository + "/Tests/openapi.py", Self.repository + "/docs/openapi.yaml", sluice.adminSocket,
                    "10.0.0.11:8080=\(places[0])", "10.0.0.21:8080=\(places[3])", "10.0.0.22:8080=\(places[4])",
                ], within: .seconds(120))
            #expect(result.succeeded, "\(result.output)\(result.errors)\(sluice.errors)")
            // The document's last example ends the process.
            #expect(sluice.child.waitForExit(within: .seconds(20)) == .code(0))
        }
    }

    @Test("/metrics is what Prometheus reads", .enabled(if: AdminDocumentTests.python("prometheus_client") != nil))
    func metrics() throws {
        let python = try #require(Self.python("prometheus_client"))
        try stage { sluice, places in
            let script = """
                import socket, sys
                from prometheus_client.parser import text_string_to_metric_families
                client = socket.socket(socket.AF_UNIX)
                client.connect(sys.argv[1])
                client.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                page = b""
                while chunk := client.recv(65536): page += chunk
                for family in text_string_to_metric_families(page.partition(b"\\r\\n\\r\\n")[2].decode()):
                    for sample in family.samples:
                        if sample.name == "sluice_target_requests_total": print(sample.labels["target"], int(sample.value))
                """
            let result = try Program.run([python, "-c", script, sluice.adminSocket])
            let lines = result.output.split(separator: "\n").map(String.init)
            #expect(Set(lines.compactMap { $0.split(separator: " ").first }) == Set(places[0..<3].map { "\($0)"[...] }), "\(result.errors)")
            #expect(lines.contains { $0.hasSuffix(" 1") })
        }
    }

    @Test(
        "a token file that others can read stops the start with a reason",
        arguments: [("0644", "can be read by others (mode 0644); chmod 600 it"), ("0600", "holds fewer than 16 characters")])
    func token(mode: String, reason: String) throws {
        let folder = try TemporaryFolder()
        try write("short\n", to: folder["token"])
        #expect(try Program.run(["chmod", mode, folder["token"]]).succeeded)
        try write(
            """
            state_dir: \(folder["state"])
            admin: { socket: \(folder["a.sock"]), listen: "127.0.0.1:0", token_file: \(folder["token"]) }
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services: { shop: { pools: { only: { targets: ["127.0.0.1:1"] } } } }

            """, to: folder["sluice.yaml"])
        let result = try Program.run([SluiceProcess.binary, "run", "-c", folder["sluice.yaml"]], within: .seconds(20))
        #expect(result.exit == .code(3))
        #expect(result.errors.contains("admin.token_file \(folder["token"]) \(reason)"), "\(result.errors)")
        #expect(!result.errors.contains("short"))
    }

    @Test("over TCP everybody reads and the token writes; a reload renews the token, and a bad one refuses the reload")
    func tcp() throws {
        let folder = try TemporaryFolder()
        func renew(_ token: String, mode: String = "0600") throws {
            try write(token + "\n", to: folder["ci.token"])
            #expect(try Program.run(["chmod", mode, folder["ci.token"]]).succeeded)
        }
        try renew("first-token-of-the-test")
        try write(
            """
            workers: 1
            state_dir: \(folder["state"])
            admin: { socket: \(folder["a.sock"]), listen: "127.0.0.1:0", token_file: \(folder["ci.token"]) }
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services: { shop: { pools: { only: { targets: ["127.0.0.1:1"] } } } }

            """, to: folder["sluice.yaml"])
        let child = try Child([SluiceProcess.binary, "run", "-c", folder["sluice.yaml"]], output: folder["out"], errors: folder["err"])
        var address: Place?
        #expect(
            eventually {
                let line = text(of: folder["err"]).split(separator: "\n").first { $0.contains("admin API listens") }
                address = line?.split(separator: "address=").last.flatMap { Place(String($0)) }
                return address != nil || child.exit != nil
            })
        let place = try #require(address, "\(text(of: folder["err"]))")
        func ask(_ method: String, _ path: String, _ token: String? = nil) throws -> Int {
            let shown = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
            return try RawClient(place).ask("\(method) \(path) HTTP/1.1\r\nHost: \(place)\r\nContent-Length: 0\r\n\(shown)\r\n").status
        }
        #expect(try ask("GET", "/v1/status") == 200)
        #expect(try ask("GET", "/metrics") == 200)
        #expect(try ask("POST", "/v1/reload") == 401)
        #expect(try ask("POST", "/v1/reload", "another-token-altogether") == 401)
        #expect(try ask("POST", "/v1/reload", "first-token-of-the-test") == 200)
        try renew("second-token-of-the-test", mode: "0644")
        #expect(try ask("POST", "/v1/reload", "first-token-of-the-test") == 422)
        try renew("second-token-of-the-test")
        #expect(try ask("POST", "/v1/reload", "second-token-of-the-test") == 401)
        #expect(try ask("POST", "/v1/reload", "first-token-of-the-test") == 200)
        #expect(try ask("POST", "/v1/reload", "first-token-of-the-test") == 401)
        #expect(try ask("POST", "/v1/services/shop/pause", "second-token-of-the-test") == 200)
        let journal = text(of: folder["state/journal"])
        #expect(journal.contains("token ci.token"), "\(journal)")
        #expect(!(journal + text(of: folder["err"])).contains("-token-of-the-test"))
    }
}
