import TestSupport
import Testing

/// nginx behind, curl and wrk in front: parts that were not written for these tests.
@Suite(.serialized) struct RealPartsTests {
    private static var partsAreHere: Bool { ["nginx", "curl", "wrk"].allSatisfy { Program.find($0) != nil } }

    private func curl(_ words: String...) throws -> String {
        let result = try Program.run(["curl", "-sS", "--max-time", "20"] + words)
        #expect(result.succeeded, "curl \(words): \(result.errors)")
        return result.output
    }

    @Test("curl: versions, kept-alive, HEAD, range, condition, upload", .enabled(if: partsAreHere))
    func curl() throws {
        let nginx = try NginxUpstream()
        try staged(SluiceProcess.forwarding(to: [nginx.place])) { sluice in
            let base = "http://\(try sluice.place())"
            #expect(try curl("--http1.0", "\(base)/hello.txt") == "hello\n")
            #expect(try curl("\(base)/hello.txt") == "hello\n")
            #expect(
                try curl(
                    "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code} %{num_connects};", "\(base)/hello.txt", "\(base)/hello.txt")
                    == "200 1;200 0;")
            #expect(try curl("-I", "\(base)/hello.txt").contains("Content-Length: 6"))
            #expect(try curl("-r", "1-3", "-w", " %{http_code}", "\(base)/hello.txt") == "ell 206")
            #expect(try curl("-o", "/dev/null", "-w", "%{http_code}", "\(base)/missing") == "404")
            let etag = try #require(try curl("-I", "\(base)/hello.txt").split(separator: "\r\n").first { $0.hasPrefix("ETag: ") })
                .dropFirst(6)
            #expect(try curl("-H", "If-None-Match: \(etag)", "-w", "%{http_code}", "\(base)/hello.txt") == "304")

            let folder = try TemporaryFolder()
            #expect(try Program.run(["dd", "if=/dev/urandom", "of=\(folder["large"])", "bs=1M", "count=8", "status=none"]).succeeded)
            #expect(try curl("-T", folder["large"], "-w", "%{http_code}", "\(base)/up/length") == "201")
            #expect(
                try curl("-T", folder["large"], "-H", "Transfer-Encoding: chunked", "-w", "%{http_code}", "\(base)/up/chunked") == "201")
            #expect(try curl("-T", folder["large"], "-H", "Expect: 100-continue", "-w", "%{http_code}", "\(base)/up/expect") == "201")
            for name in ["length", "chunked", "expect"] {
                _ = try curl("-o", folder["back"], "\(base)/up/\(name)")
                #expect(try Program.run(["cmp", folder["large"], folder["back"]]).succeeded, "\(name)")
            }
        }
    }

    @Test("wrk: no error on kept-alive connections and on one connection a request", .enabled(if: partsAreHere), arguments: [false, true])
    func wrk(closing: Bool) throws {
        let nginx = try NginxUpstream()
        try staged(SluiceProcess.forwarding(to: [nginx.place])) { sluice in
            let words =
                ["wrk", "-t1", "-c32", "-d2s"] + (closing ? ["-H", "Connection: close"] : []) + ["http://\(try sluice.place())/hello.txt"]
            let result = try Program.run(words)
            expectClean(result.output)
            #expect(try eventually { try sluice.counters() == Counters() })
        }
    }

    @Test("200 reloads under load fail no request and leave the memory as it was", .enabled(if: partsAreHere), arguments: [false, true])
    func reloads(closing: Bool) throws {
        let (blue, green) = (try NginxUpstream(), try NginxUpstream())
        func yaml(_ split: String) -> String {
            """
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { blue: { targets: ["\(blue.place)"] }, green: { targets: ["\(green.place)"] } }
                split: { \(split) }
            """
        }
        // SLUICE_SOAK=1000 makes it the long one.
        let count = environment("SLUICE_SOAK").flatMap { Int($0) } ?? 200
        try staged(yaml("blue: 100")) { sluice in
            let folder = try TemporaryFolder()
            let words =
                ["wrk", "-t1", "-c16", "-d600s"] + (closing ? ["-H", "Connection: close"] : []) + ["http://\(try sluice.place())/hello.txt"]
            let wrk = try Child(words, output: folder["out"], errors: folder["err"])
            #expect(try eventually { try sluice.counters().clients >= 8 })
            var warm = 0
            for round in 1...count {
                try sluice.rewrite(yaml(round % 3 == 0 ? "blue: 100" : round % 3 == 1 ? "blue: 50, green: 50" : "green: 100"))
                let reload = try sluice.admin("POST", "/v1/reload")
                #expect(reload.status == 200, "\(reload.text)")
                if round == count / 4 { warm = sluice.residentKiB }
            }
            let end = sluice.residentKiB
            wrk.signal(2)
            #expect(wrk.waitForExit(within: .seconds(20)) != nil)
            expectClean(text(of: folder["out"]))
            #expect(end < warm + warm / 20 + 256, "\(warm) KiB after a quarter, \(end) at the end")
            #expect(try sluice.status()["epoch"].int == count + 1)
        }
    }

    private func expectClean(_ report: String, location: SourceLocation = #_sourceLocation) {
        #expect(report.contains("requests in"), "\(report)", sourceLocation: location)
        #expect(!report.contains("Socket errors") && !report.contains("Non-2xx"), "\(report)", sourceLocation: location)
    }
}
