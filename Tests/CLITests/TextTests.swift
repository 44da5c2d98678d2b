@testable internal import CLI
internal import TestSupport
internal import Testing

/// What people read.
@Suite struct TextTests {
    private func run(_ line: String, _ answer: String, status: Int = 200) throws -> Screen {
        try FakeAdmin { _ in .init(status, answer) }.sluice(line).screen
    }

    @Test("a receipt says what is so now, since when, what is left, and how to go back")
    func receipt() throws {
        let admin = try FakeAdmin { _ in .init(200, Sample.receipt("\"x\": 1")) }
        let screen = try admin.sluice("flip shop").screen
        #expect(
            screen.out == """
                shop: blue 100 → green 100
                epoch 7 at 2026-11-21T15:00:00.123Z, record 3, all 2 loops confirmed, the slowest after 0.41 ms
                still in flight: 3 on shop/blue
                back: sluice rollback shop --socket \(admin.path)

                """)
        #expect(screen.error.isEmpty)
    }

    @Test("a receipt of nothing changed offers no way back")
    func unchanged() throws {
        let text = Sample.receipt().replacing("\"changed\": true", with: "\"changed\": false")
        #expect(try run("flip shop", text).out.hasPrefix("shop: green 100; nothing changed\nepoch 7 "))
        #expect(try !run("flip shop", text).out.contains("back:"))
    }

    @Test(
        "the way back of each verb",
        arguments: [
            ("drain shop/blue shop/green/a:1", "undrain shop/blue shop/green/a:1"), ("undrain shop/blue", "drain shop/blue"),
            ("pause shop", "resume shop"),
            ("target add shop/blue a:1", "target remove shop/blue a:1"), ("undo", "undo --to 2"), ("rollback shop", "rollback shop"),
        ])
    func wayBack(line: String, back: String) throws {
        #expect(try run(line, Sample.receipt()).out.contains("back: sluice \(back) --socket"))
    }

    @Test("a receipt with nearly nothing in it is still read")
    func sparse() throws {
        #expect(try run("resume shop", "{\"outcome\": \"done\", \"epoch\": 9}").out == "shop: done\nepoch 9\n")
    }

    @Test(
        "-o json prints what the proxy answered, and nothing else",
        arguments: [
            "flip shop", "history", "explain r", "undo", "reload", "upgrade", "deploy shop --to green",
        ])
    func json(line: String) throws {
        let screen = try run(line + " -o json", Sample.receipt())
        #expect(screen.out == Sample.receipt() + "\n")
        #expect(screen.error.isEmpty)
    }

    @Test("what comes over the wire cannot command the terminal")
    func hostile() throws {
        let screen = try run(
            "flip shop", Sample.receipt("\"reason\": 1").replacing("\"notes\": []", with: "\"notes\": [\"\\u001b[31mred\"]"))
        #expect(!screen.out.contains("\u{1B}"))
        #expect(try !run("flip shop", "{\"title\": \"\\u001b]0;x\", \"detail\": \"\\u009b\"}", status: 409).error.contains("\u{1B}"))
    }

    @Test("several services: the first failure decides, the rest is told")
    func several() throws {
        let admin = try FakeAdmin { request in
            request.target.contains("/two/") ? Sample.problem(404, 4) : .init(200, Sample.receipt())
        }
        let result = try admin.sluice("drain one/a two/a three/a --if-epoch 5")
        #expect(result.code == .notFound)
        #expect(result.screen.error.contains("not asked: three"))
        // The second builds on what the first has published.
        #expect(admin.requests.map { $0.fields["if-match"] ?? "" } == ["\"5\"", "\"7\""])
        let slow = try FakeAdmin { request in
            let text = Sample.receipt()
            return .init(200, request.target.contains("/one/") ? text.replacing("\"exit_code\": 0", with: "\"exit_code\": 9") : text)
        }
        #expect(try slow.sluice("drain one/a two/a").code == .notDrained)
        #expect(slow.requests.count == 2)
    }

    @Test("history is a table, the newest last")
    func history() throws {
        let answer = """
            {"records": [{"sequence": 10, "time": "T3", "actor": "token ci", "command": "undo", "undoes": 2, \
            "receipt": {"epoch": 9, "acknowledged_microseconds": [3, null], "in_flight": 0}}, \
            {"sequence": 3, "time": "T2", "actor": "signal", "command": "resume pay"}, \
            {"sequence": 2, "time": "T1", "actor": "uid 0 (pid 7)", "command": "flip shop green", "reason": "release", \
            "receipt": {"epoch": 8, "acknowledged_microseconds": [3, 4], "in_flight": 0}}]}
            """
        let table = """
            SEQ  TIME  ACTOR          COMMAND          OUTCOME                         REASON
              2  T1    uid 0 (pid 7)  flip shop green  epoch 8                         release
              3  T2    signal         resume pay       not known
             10  T3    token ci       undo             unconfirmed, epoch 9, undoes 2

            """
        #expect(try run("history", answer).out == table)
        #expect(try run("history", "{\"records\": []}").out == "no command has changed anything yet\n")
        #expect(try run("history", "3").error.contains("not understood"))
        let admin = try FakeAdmin { _ in .init(200, "[]") }
        _ = try admin.sluice("history a/b --limit 3")
        #expect(admin.requests.map(\.target) == ["/v1/history?limit=3&service=a%2Fb"])
    }

    @Test("explain is the proxy's sentences")
    func explain() throws {
        let answer = "{\"request_id\": \"r\", \"text\": \"It began. It ended.\", \"line\": {\"pool\": \"blue\"}, \"epoch\": 3}"
        #expect(try run("explain r", answer).out == "It began.\nIt ended.\n\n  epoch  3\n")
        #expect(try run("explain r", "[]").error.contains("not understood"))
    }

    @Test("colour is for terminals alone")
    func colour() {
        #expect(Paint(isOn: false)("x", .good) == "x")
        #expect(Paint(isOn: true)("x", .good) == "\u{1B}[32mx\u{1B}[0m")
        // A colour takes no room in a column.
        let rows = Table.lines([["a", "b"], ["healthy", "c"]], paint: Paint(isOn: true)) { $0 == "healthy" ? .good : nil }
        #expect(rows == ["a        b", "\u{1B}[32mhealthy\u{1B}[0m  c"])
        #expect(!Console.terminal(environment: ["NO_COLOR": "1"]).paint.isOn)
    }
}
