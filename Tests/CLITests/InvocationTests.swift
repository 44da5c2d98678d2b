@testable internal import CLI
internal import Testing

@Suite struct InvocationTests {
    private func parse(_ line: String) throws -> Invocation { try Invocation.parse(line.split(separator: " ").map(String.init)) }

    @Test(
        "command lines mean what they say",
        arguments: [
            ("", .help(nil)), ("help", .help(nil)), ("--help", .help(nil)), ("-h", .help(nil)), ("help status", .help("status")),
            ("help target", .help("target")),
            ("help target add", .help("target add")), ("target --help", .help("target")), ("target add -h", .help("target add")),
            ("status --help", .help("status")), ("status shop -h", .help("status")), ("--version", .version), ("version", .version),
            ("run -c a.yaml", .run), ("run --config=a.yaml", .run), ("check -c a.yaml", .check),
            ("reload", .reload(Order(process: "reload"))),
            ("status", .status(service: nil, watch: false)), ("status shop", .status(service: "shop", watch: false)),
            ("status --watch", .status(service: nil, watch: true)), ("status -w shop", .status(service: "shop", watch: true)),
            ("status -- --odd", .status(service: "--odd", watch: false)), ("shutdown", .shutdown(Order(process: "shutdown"))),
            ("shutdown --graceful", .shutdown(Order(process: "shutdown", ["graceful": .bool(true)]))), ("demo", .demo(port: 8080)),
            ("demo --port 0", .demo(port: 0)),
            ("demo -p 9000", .demo(port: 9000)), ("history", .history(service: nil, limit: 20)),
            ("history shop --limit 3", .history(service: "shop", limit: 3)), ("events", .events(follow: false, after: nil)),
            ("events -f --after 9", .events(follow: true, after: "9")), ("explain r-1", .explain("r-1")),
            ("completion bash", .completion("bash")), ("man", .manual(markdown: false)), ("man --markdown", .manual(markdown: true)),
        ] as [(String, Invocation.Command)])
    func commands(line: String, command: Invocation.Command) throws {
        #expect(try parse(line).command == command)
    }

    @Test("common flags are read in every spelling")
    func flags() throws {
        let invocation = try parse("status --socket /a.sock -c f.yaml -o json --timeout 250ms")
        #expect(invocation.socket == "/a.sock")
        #expect(invocation.config == "f.yaml")
        #expect(invocation.isJSON)
        #expect(invocation.timeout == .milliseconds(250))
        #expect(try parse("status --socket=/a=b.sock").socket == "/a=b.sock")
        #expect(try parse("reload").timeout == .seconds(30))
    }

    @Test(
        "what cannot be understood is refused with a hint",
        arguments: [
            ("statsu", "there is no command statsu", "did you mean status?"),
            ("relaod", "there is no command relaod", "did you mean reload?"),
            ("turn shop", "there is no command turn", "`sluice help` lists the commands"),
            ("help turn", "there is no command turn", "`sluice help` lists the commands"),
            ("help a b", "help takes one command", "sluice help COMMAND"),
            ("--socket /a status", "--socket comes before a command", "sluice COMMAND [FLAGS]; `sluice help` lists the commands"),
            ("run", "run needs a configuration file", "sluice run -c FILE"),
            ("check", "check needs a configuration file", "sluice check -c FILE"),
            ("run -c", "-c needs a value", "--config FILE"), ("run -c a -c b", "--config is given twice", "once is enough"),
            ("run a.yaml", "run does not take a.yaml", "`sluice help run` shows what it takes"),
            ("status a b", "status does not take b", "`sluice help status` shows what it takes"),
            ("status --wacth", "status has no flag --wacth", "did you mean --watch?"),
            ("run -c a --graceful", "run has no flag --graceful", "`sluice help run` lists them"),
            ("status --watch=yes", "--watch takes no value", "show it again every second"),
            ("status -o yaml", "-o yaml is not known", "the one format is: -o json"),
            ("status --timeout 3", "--timeout 3 is not a duration", "like 500ms, 30s, 2m"),
            ("status --timeout 99999999999999999999h", "--timeout 99999999999999999999h is not a duration", "like 500ms, 30s, 2m"),
            ("demo --port 65536", "--port 65536 is not a port", "a number from 0 to 65535; 0 = any free one"),
        ])
    func refused(line: String, message: String, hint: String) {
        #expect(throws: UsageError(message, hint: hint)) { try parse(line) }
    }

    @Test(
        "durations have a unit and a bound",
        arguments: [
            ("1ms", .milliseconds(1)), ("5s", .seconds(5)), ("2m", .seconds(120)), ("24h", .seconds(86_400)), ("25h", nil), ("0s", nil),
            ("-1s", nil),
            ("1.5s", nil), ("s", nil), ("", nil), ("1d", nil), ("٣s", nil),
        ] as [(String, Duration?)])
    func durations(text: String, duration: Duration?) {
        #expect(Quantity.duration(text) == duration)
    }

    @Test("a word is suggested only when it is near")
    func suggestions() {
        let words = ["reload", "status", "shutdown"]
        #expect(Suggestion.nearest(to: "realod", among: words) == "reload")
        #expect(Suggestion.nearest(to: "STATUS", among: words) == "status")
        #expect(Suggestion.nearest(to: "deploy", among: words) == nil)
        #expect(Suggestion.nearest(to: "", among: words) == nil)
        #expect(Suggestion.nearest(to: "x", among: []) == nil)
    }
}
