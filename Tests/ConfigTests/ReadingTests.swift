import Testing

@testable import Config

/// What is no YAML for us, each with its place.
@Suite struct ReadingTests {
    @Test(
        "what is not readable is refused at its place",
        arguments: [
            ("", "t.yaml:1:1: error: the file is empty; hint: the smallest file has `listeners` and `services`"),
            ("# only a comment\n", "t.yaml:1:1: error: the file is empty; hint: the smallest file has `listeners` and `services`"),
            ("hello", "t.yaml:1:1: error: the file must be a mapping (`key: value`)"),
            (
                "admin:\n\tsocket: x\n",
                "t.yaml:2:1: error: found character that cannot start any token while scanning for the next token; hint: indent with spaces, not with tabs"
            ),
            (
                "state_dir: @x\n",
                "t.yaml:1:12: error: found character that cannot start any token while scanning for the next token; hint: put the value in quotes"
            ),
            (
                "workers: [1\nadmin: {}\n",
                "t.yaml:2:6: error: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1"
            ),
            ("a: 1\n b: 2\n", "t.yaml:2:3: error: mapping values are not allowed in this context"),
            ("workers: 2\nadmin: \"a\u{7}b\"\n", "t.yaml:2:10: error: control characters are not allowed"),
        ])
    func syntax(text: String, line: String) {
        #expect(load(text).lines == [line])
    }

    @Test(
        "anchors, aliases, tags, second documents and duplicate keys are refused",
        arguments: [
            ("admin: &a { socket: /s }", "t.yaml:4:8: error: anchors (`&name`) are not allowed; hint: write the value where it is wanted"),
            ("state_dir: !!str 5", "t.yaml:4:12: error: tags (`!name`) are not allowed; hint: put the value in quotes if it is text"),
            ("---\nworkers: 2", "t.yaml:4:1: error: a second document begins here; one file is one configuration"),
            ("workers: 1\nworkers: 2", "t.yaml:5:1: error: duplicate key `workers`; hint: it stands already in line 4"),
            ("admin: { socket: /a, socket: /b }", "t.yaml:4:22: error: duplicate key `socket`; hint: it stands already in line 4"),
            ("[a]: 1", "t.yaml:4:1: error: a key must be a plain word"),
            ("<<: { workers: 2 }", "t.yaml:4:1: error: unknown key `<<`"),
        ])
    func refusedYAML(head: String, line: String) {
        #expect(load(file(head: head)).lines == [line])
    }

    @Test("an alias is refused beside its anchor")
    func alias() {
        #expect(
            load(file(head: "state_dir: &x /s\nadmin: { socket: *x }")).lines == [
                "t.yaml:4:12: error: anchors (`&name`) are not allowed; hint: write the value where it is wanted",
                "t.yaml:5:18: error: aliases (`*name`) are not allowed; hint: write the value again",
            ])
    }

    @Test("malformed UTF-8 is refused at its character, UTF-16 as a whole")
    func encoding() {
        let text = Array("workers: 1\nadmin: \"ü".utf8) + [0xc3, 0x28]
        let loaded = ConfigurationFile.parse(text: text, file: "t.yaml", environment: [:])
        #expect(loaded.lines == ["t.yaml:2:10: error: not valid UTF-8; hint: save the file as UTF-8"])
        let wide = ConfigurationFile.parse(text: [0xff, 0xfe, 0x61, 0x00], file: "t.yaml", environment: [:])
        #expect(wide.lines == ["t.yaml:1:1: error: not valid UTF-8; hint: save the file as UTF-8"])
    }

    @Test("a byte order mark is no column")
    func byteOrderMark() {
        #expect(load("\u{feff}wörkers: 1").lines.first?.hasPrefix("t.yaml:1:1: error: unknown key `wörkers`") == true)
    }

    @Test("columns count characters, not bytes")
    func columns() {
        let lines = load(file(head: "admin: { \"ü\": 1, x: 1 }")).lines
        #expect(lines.map { $0.prefix(15) } == ["t.yaml:4:10: er", "t.yaml:4:18: er"])
    }

    @Test("depth, number of values and size are bounded")
    func bounds() {
        let deep = "state_dir: " + String(repeating: "[", count: 200)
        #expect(load(deep).lines == ["t.yaml:1:75: error: nested deeper than 64 levels"])
        let deepBlocks = (0..<100).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        #expect(load(deepBlocks).lines == ["t.yaml:65:65: error: nested deeper than 64 levels"])
        let many = "methods: [" + String(repeating: "a,", count: 200_000) + "]"
        #expect(load(many).lines.first?.contains("the file has more than 200000 values") == true)
        let large = String(repeating: "#", count: 4 * 1024 * 1024 + 1)
        #expect(load(large).lines == ["t.yaml:1:1: error: the file is larger than 4 MiB"])
    }

    @Test("a flood of mistakes is cut off, and said to be")
    func flood() {
        let lines = load(file(head: (0..<300).map { "k\($0): 1" }.joined(separator: "\n"))).lines
        #expect(lines.count == Defaults.Bounds.diagnostics + 1)
        #expect(lines.last?.hasSuffix("error: 100 more, not shown") == true)
    }
}

@Suite struct ExpansionTests {
    private let environment = [
        "PORT": "8080", "EMPTY": "", "TRICK": "a, b: [c] # x", "NULL": "null", "LINE": "a\r\nx: y", "REF": "${PORT}",
    ]

    private func stateDirectory(_ scalar: String) -> String? {
        load(file(head: "state_dir: \(scalar)"), as: "/t.yaml", environment: environment).configuration?.stateDirectory
    }

    @Test("variables expand in plain and quoted values, more than once")
    func expands() {
        #expect(stateDirectory("/s/${PORT}/${PORT}x") == "/s/8080/8080x")
        #expect(stateDirectory("\"/s/${PORT}\"") == "/s/8080")
        #expect(stateDirectory("${NONE:-/d}") == "/d")
        #expect(stateDirectory("${EMPTY:-/d}") == "/d")
        #expect(stateDirectory("/s${EMPTY}") == "/s")
        #expect(stateDirectory("/s${NONE:-}") == "/s")
        #expect(stateDirectory("/s$x$") == "/s$x$")
        #expect(stateDirectory("/s$${PORT}") == "/s${PORT}")
    }

    @Test("a number field takes a variable, and a list element too")
    func typed() throws {
        let text = file(head: "workers: ${N}\ntrusted_proxies: [\"${NET:-10.0.0.0/8}\"]")
        let configuration = try #require(load(text, environment: ["N": "3"]).configuration)
        #expect(configuration.workers == .exactly(3))
        #expect(configuration.trustedProxies == [AddressBlock(bytes: [10, 0, 0, 0], prefixLength: 8)])
    }

    @Test("an expansion is never read as YAML, nor expanded again")
    func inert() {
        #expect(stateDirectory("${TRICK}") == "/a, b: [c] # x")
        #expect(stateDirectory("${REF}") == "/${PORT}")
        #expect(stateDirectory("${NULL}") == "/null")
        let route = load(file(route: "service: shop, rewrite_host: \"${NULL}\""), environment: environment).configuration?.routes.first
        #expect(route?.rewriteHost == "null")
    }

    @Test("a line break from the environment cannot get into a header")
    func injection() {
        let text = file(route: "service: shop, request_headers: { set: { x-a: \"${LINE}\" } }")
        #expect(load(text, environment: environment).lines == ["t.yaml:3:58: error: `x-a`: a header value cannot hold a line break or NUL"])
    }

    @Test(
        "what cannot be expanded is refused at its place",
        arguments: [
            ("${NONE}", "the environment variable `NONE` is not set; hint: give a default: ${NONE:-…}"),
            ("\"a ${PORT\"", "`${` without its `}`; hint: write `$${` for a plain `${`"),
            ("\"${}\"", "`${}` is no variable; hint: write ${NAME} or ${NAME:-default}; `$${` is a plain `${`"),
            ("\"${1A}\"", "`${1A}` is no variable; hint: write ${NAME} or ${NAME:-default}; `$${` is a plain `${`"),
            ("\"${A-b}\"", "`${A-b}` is no variable; hint: write ${NAME} or ${NAME:-default}; `$${` is a plain `${`"),
            ("\"${A:-${B}}\"", "a default cannot hold another variable"),
        ])
    func refused(scalar: String, message: String) {
        #expect(load(file(head: "state_dir: \(scalar)"), environment: environment).lines == ["t.yaml:4:12: error: \(message)"])
    }

    @Test("keys are not expanded")
    func keys() {
        #expect(load(file(head: "${PORT}: 1"), environment: environment).lines == ["t.yaml:4:1: error: unknown key `${PORT}`"])
    }

    @Test("a short text cannot fill the memory")
    func budget() {
        let head = "trusted_proxies: [" + String(repeating: "\"${BIG}\",", count: 5) + "]"
        let lines = load(file(head: head), environment: ["BIG": String(repeating: "x", count: 1024 * 1024)]).lines
        #expect(lines.last == "t.yaml:4:55: error: the expanded text is longer than 4194304 bytes")
    }
}
