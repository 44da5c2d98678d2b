internal import Config
@testable internal import ControlPlane
internal import Glibc
internal import Testing

/// Finding one request's line again, and telling it in words.
@Suite struct ExplanationTests {
    private let scratch = Scratch()
    private var path: String { scratch["access.log"] }

    private func line(_ id: String, _ extra: String = "") -> String {
        #"{"time":"2026-11-21T10:00:00.000Z","request_id":"\#(id)","client":"10.1.1.1","method":"GET","host":"shop.example","#
            + #""target":"/cart","status":200,"bytes_in":80,"bytes_out":512,"listener":"web","route":"12:5","service":"shop","pool":"blue","#
            + #""upstream":"10.0.0.11:8080","epoch":42,"attempts":1,"reused":true,"total_us":1234,"termination":"--"\#(extra)}"# + "\n"
    }

    private func write(_ text: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes = bytes.dropFirst(count)
        }
    }

    private func search(_ id: String, depth: Int = LogSearch.depth) -> LogSearch.Outcome {
        LogSearch(id: id).run(in: path, depth: depth, until: .now + .seconds(10))
    }

    private func found(_ id: String) -> JSONValue? { if case .found(let line) = search(id) { line } else { nil } }

    @Test("a line is found wherever it lies: first, last, across the border of two blocks")
    func anywhere() {
        // A mebibyte is a block; lines of some 300 bytes make several.
        let ids = (0..<12_000).map { "id-\($0)-\(String(repeating: "x", count: $0 % 61))" }
        write(ids.map { line($0) }.joined())
        for index in stride(from: 0, to: ids.count, by: 397) { #expect(found(ids[index])?["request_id"]?.text == ids[index]) }
        #expect(found(ids[11_999]) != nil)
        // Every line around a border.
        for index in 3200..<3700 { #expect(found(ids[index]) != nil, "\(ids[index])") }
    }

    @Test("of two lines with one id the later counts")
    func later() {
        write(line("a", ",\"n\":1") + line("b") + line("a", ",\"n\":2"))
        #expect(found("a")?["n"]?.int == 2)
    }

    @Test("an id that stands in another field, a part of an id and a line that is still being written are not found")
    func absent() {
        write(line("whole", #","user_agent":"\"request_id\":\"fake\"""#) + #"{"request_id":"cut","#)
        for id in ["fake", "whol", "hole", "cut", "\"", "\\"] {
            #expect(search(id) == .absent(searched: text(of: path).utf8.count, whole: true))
        }
    }

    @Test("beyond the depth it does not look, and says so")
    func depth() {
        write(line("old") + (0..<100).map { line("new-\($0)") }.joined())
        #expect(search("old", depth: 2000) == .absent(searched: 2000, whole: false))
        if case .found = search("new-99", depth: 2000) {} else { Issue.record("not found") }
    }

    @Test("a folder, nothing at all and a deadline that has passed are told apart")
    func unreadable() {
        #expect(LogSearch(id: "a").run(in: scratch.path, until: .now + .seconds(1)) == .unreadable("it is not a plain file"))
        #expect(LogSearch(id: "a").run(in: scratch["no"], until: .now + .seconds(1)) == .unreadable("No such file or directory"))
        write(line("a"))
        #expect(LogSearch(id: "a").run(in: path, until: .now - .seconds(1)) == .late)
        write("")
        #expect(search("a") == .absent(searched: 0, whole: true))
    }

    private func answer(_ id: String, format: AccessLogFormat = .json, path: String? = nil) throws -> (status: Int, body: String) {
        var log = AccessLogConfiguration()
        log.format = format
        log.path = path ?? self.path
        let answers = Answers<AdminResponse>(count: 1)
        try Explanation(of: id).look(in: log) { answers.put($0, at: 0) }
        let response = try #require(answers.wait(for: .seconds(20))[0])
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    @Test("the answer holds the line and a story")
    func answered() throws {
        write(line("0193-abc", #","chosen_by":"split""#))
        let answer = try answer("0193-abc")
        #expect(answer.status == 200)
        #expect(answer.body.contains("\"request_id\" : \"0193-abc\""))
        #expect(answer.body.contains("\"total_us\" : 1234"))
        #expect(
            answer.body.contains(
                "GET shop.example/cart came from 10.1.1.1 through listener web at 2026-11-21T10:00:00.000Z. The route at 12:5 matched: "
                    + "service shop, pool blue, chosen by the split under epoch 42. It went to 10.0.0.11:8080 over a kept-alive connection. "
                    + "The client was sent 200 (512 bytes) after 1.2 ms: it finished as it should."))
    }

    @Test("a log that cannot be read back is said to be so")
    func noLog() throws {
        #expect(try answer("a", format: .off).body.contains("the access log is off"))
        #expect(try answer("a", format: .combined).body.contains("combined format"))
        #expect(try answer("a", path: "-").body.contains("standard output"))
        #expect(try answer("a", path: scratch["none"]).status == 404)
        write(line("a"))
        #expect(try answer("b").status == 404)
        #expect(throws: Problem.self) { try Explanation(of: "a b") }
        #expect(throws: Problem.self) { try Explanation(of: "") }
    }

    @Test(
        "codes in words",
        arguments: [
            ("--", "it finished as it should"),
            ("UH", "the upstream refused, broke off or broke the protocol while the response head was awaited"),
            ("cR", "the client was too slow while the request head was read"), ("??", "it ended as ??"), ("", "it ended as "),
        ])
    func termination(code: String, words: String) {
        #expect(ExchangeStory.termination(code) == words)
    }

    @Test("a line that lacks everything still makes a story")
    func empty() {
        #expect(ExchangeStory.text(.object([])).contains("No route matched it."))
    }
}
