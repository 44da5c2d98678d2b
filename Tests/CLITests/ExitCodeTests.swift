@testable internal import CLI
internal import Testing

/// The contract with scripts, code by code.
@Suite struct ExitCodeTests {
    private func flip(_ response: FakeAdmin.Response) throws -> (code: ExitCode, screen: Screen) {
        try FakeAdmin { _ in response }.sluice("flip shop green")
    }

    @Test("0: done, the receipt on standard output")
    func done() throws {
        let result = try flip(.init(200, Sample.receipt()))
        #expect(result.code == .done)
        #expect(result.screen.out.contains("blue 100 → green 100"))
        #expect(result.screen.error.isEmpty)
    }

    @Test(
        "1: an internal error, or an answer that is none",
        arguments: ["", "garbage", "HTTP/1.1 200 OK\r\n\r\n[]", "HTTP/1.1 500 X\r\n\r\n"])
    func internalError(answer: String) throws {
        #expect(try flip(Sample.problem(500, 1)).code == .internalError)
        let result = try flip(.init(raw: answer))
        #expect(result.code == .internalError)
        #expect(result.screen.error.contains("was not understood"), "\(result.screen.error)")
    }

    @Test("2: a request that is not understood")
    func usage() throws { #expect(try flip(Sample.problem(400, 2)).code == .usage) }

    @Test("3: configuration invalid, each diagnostic told")
    func configuration() throws {
        let result = try flip(Sample.problem(422, 3, "\"diagnostics\": [{\"text\": \"a.yaml:1:2: error: x\"}]"))
        #expect(result.code == .invalidConfiguration)
        #expect(result.screen.error == "a.yaml:1:2: error: x\nsluice: Refused: because (do that)\n")
    }

    @Test("4: not found")
    func notFound() throws { #expect(try flip(Sample.problem(404, 4)).code == .notFound) }

    @Test("5: conflict", arguments: [409, 412])
    func conflict(status: Int) throws {
        let result = try flip(Sample.problem(status, 5))
        #expect(result.code == .conflict)
        #expect(result.screen.error == "sluice: Refused: because (do that)\n")
    }

    @Test("6: the preflight refused, with each target's reason")
    func preflight() throws {
        let targets = "\"targets\": [{\"target\": \"10.0.0.21:80\", \"reason\": \"connection refused\"}]"
        let result = try flip(Sample.problem(409, 6, targets))
        #expect(result.code == .preflightRefused)
        #expect(result.screen.error.contains("10.0.0.21:80  connection refused"))
        #expect(result.screen.out.isEmpty)
    }

    @Test("7: the hook failed, and the service was resumed")
    func hookFailed() throws {
        let admin = try FakeAdmin { $0.method == "GET" ? .init(200, Sample.status()) : .init(200, Sample.pauseReceipt()) }
        #expect(try admin.sluice("pause shop --then false").code == .failedAndRolledBack)
    }

    @Test("8: a silent loop, or no answer in time")
    func timedOut() throws {
        let silent = Sample.receipt().replacing("\"done\"", with: "\"unconfirmed\"").replacing("\"exit_code\": 0", with: "\"exit_code\": 8")
            .replacing("410", with: "null")
        let result = try flip(.init(200, silent))
        #expect(result.code == .timedOut)
        #expect(result.screen.error.contains("epoch 7 is live, but loop 1 did not confirm"), "\(result.screen.error)")
        #expect(result.screen.out.contains("1 of 2 loops confirmed"))
        #expect(try flip(Sample.problem(504, 8)).code == .timedOut)
        let mute = try FakeAdmin { _ in .init(raw: "HTTP/1.1 200", hangs: true) }
        #expect(try mute.sluice("flip shop --timeout 100ms").code == .timedOut)
    }

    @Test("9: switched, not drained, with those who hold it")
    func notDrained() throws {
        let holder = """
            "holders": [{"service": "shop", "pool": "blue", "target": "10.0.0.1:80", "client": "1.2.3.4:5", "route": "default", \
            "age_milliseconds": 61000, "bytes_in": 10, "bytes_out": 2000, "is_tunnel": true, "request_id": "r-1"}]
            """
        let text = Sample.receipt(holder).replacing("\"done\"", with: "\"not-drained\"").replacing(
            "\"exit_code\": 0", with: "\"exit_code\": 9")
        let result = try flip(.init(200, text))
        #expect(result.code == .notDrained)
        #expect(result.screen.out.contains("shop/blue/10.0.0.1:80  1.2.3.4:5  default  1m 1s"), "\(result.screen.out)")
        #expect(result.screen.out.contains("r-1 (tunnel)"))
        #expect(result.screen.error.contains("requests are still in flight"))
    }

    @Test("10: a service that stays paused needs a person")
    func needsPerson() throws {
        let admin = try FakeAdmin { request in
            if request.method == "GET" { return .init(200, Sample.status()) }
            return request.target.hasSuffix("/resume") ? Sample.problem(500, 1) : .init(200, Sample.pauseReceipt())
        }
        let result = try admin.sluice("pause shop --then true")
        #expect(result.code == .needsPerson)
        #expect(result.screen.error.contains("shop is still paused: it could not be resumed (`sluice resume shop --socket"))
    }

    @Test("11: nobody there")
    func notReachable() throws {
        let invocation = try Invocation.parse(["flip", "shop", "--socket", "/nonexistent/a.sock"])
        let screen = Screen()
        #expect(Client(invocation, environment: [:], console: screen.console) { _ in nil }.run() == .notReachable)
        #expect(screen.error.contains("no proxy answers at /nonexistent/a.sock: No such file or directory"))
    }

    @Test(
        "without a code of its own, an HTTP status becomes one",
        arguments: [
            (200, .done), (400, .usage), (404, .notFound), (409, .conflict), (412, .conflict), (422, .invalidConfiguration),
            (504, .timedOut),
            (500, .internalError), (403, .internalError), (302, .internalError),
        ] as [(Int, ExitCode)])
    func fromStatus(status: Int, code: ExitCode) throws {
        #expect(ExitCode(status: status) == code)
        if status >= 400 { #expect(try flip(.init(status, "{\"title\": \"x\"}")).code == code) }
    }

    @Test(
        "a refusal is never a success, an unknown code falls back to the status", arguments: [(0, ExitCode.internalError), (99, .conflict)])
    func strange(given: Int, code: ExitCode) throws { #expect(try flip(Sample.problem(409, given)).code == code) }

    @Test("every code has its meaning, and they are the twelve of the contract")
    func complete() {
        #expect(ExitCode.allCases.map(\.rawValue) == Array(0...11))
        #expect(Set(ExitCode.allCases.map(\.meaning)).count == 12)
    }
}
