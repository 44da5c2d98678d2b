/// What the user asked for: a command and its options, checked. Parsing touches nothing.
package struct Invocation: Sendable, Equatable {
    package enum Command: Sendable, Equatable {
        case run
        case check
        case reload
        case status(service: String?, watch: Bool)
        case shutdown(graceful: Bool)
        case demo(port: UInt16)
        case version
        /// nil = the overview.
        case help(String?)
    }

    package var command: Command
    /// `--socket`.
    package var socket: String?
    /// `-c`, `--config`.
    package var config: String?
    /// `-o json`.
    package var isJSON = false
    /// How long the command may take.
    package var timeout: Duration = .seconds(30)

    package init(_ command: Command) { self.command = command }

    /// - Parameter arguments: without the program's name.
    package static func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        guard let first = arguments.first else { return Invocation(.help(nil)) }
        switch first {
        case "--version", "-V": return Invocation(.version)
        case "--help", "-h": return Invocation(.help(nil))
        case "help": return try help(arguments.dropFirst())
        default: break
        }
        guard !first.hasPrefix("-") else {
            throw UsageError("\(first) comes before a command", hint: "sluice COMMAND [FLAGS]; `sluice help` lists the commands")
        }
        guard let grammar = Grammar.named(first) else { throw .unknownCommand(first) }
        var parser = ArgumentParser(grammar: grammar, rest: Array(arguments.dropFirst()))
        let parsed = try parser.parse()
        return parsed.wantsHelp ? Invocation(.help(first)) : try build(grammar, parsed)
    }

    // MARK: - Private

    private static func help(_ rest: ArraySlice<String>) throws(UsageError) -> Invocation {
        guard let topic = rest.first else { return Invocation(.help(nil)) }
        guard rest.count == 1 else { throw UsageError("help takes one command", hint: "sluice help COMMAND") }
        guard Grammar.named(topic) != nil else { throw .unknownCommand(topic) }
        return Invocation(.help(topic))
    }

    private static func build(_ grammar: Grammar, _ parsed: ArgumentParser.Parsed) throws(UsageError) -> Invocation {
        var invocation = Invocation(.version)
        switch grammar.name {
        case "run": invocation.command = .run
        case "check": invocation.command = .check
        case "reload": invocation.command = .reload
        case "status": invocation.command = .status(service: parsed.operands.first, watch: parsed.has("--watch"))
        case "shutdown": invocation.command = .shutdown(graceful: parsed.has("--graceful"))
        case "demo": invocation.command = .demo(port: try port(parsed.value("--port")))
        default: invocation.command = .version
        }
        invocation.socket = parsed.value("--socket")
        invocation.config = parsed.value("--config")
        if grammar.requiresConfig && invocation.config == nil {
            throw UsageError("\(grammar.name) needs a configuration file", hint: "sluice \(grammar.name) -c FILE")
        }
        if let format = parsed.value("--output") {
            guard format == "json" else { throw UsageError("-o \(format) is not known", hint: "the one format is: -o json") }
            invocation.isJSON = true
        }
        if let text = parsed.value("--timeout") {
            guard let timeout = duration(text) else { throw UsageError("--timeout \(text) is not a duration", hint: "like 500ms, 30s, 2m") }
            invocation.timeout = timeout
        }
        return invocation
    }

    private static func port(_ text: String?) throws(UsageError) -> UInt16 {
        guard let text else { return 8080 }
        guard let port = UInt16(text) else {
            throw UsageError("--port \(text) is not a port", hint: "a number from 0 to 65535; 0 = any free one")
        }
        return port
    }

    /// "250ms", "5s", "2m", "1h": a day at most.
    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number > 0 else { return nil }
        let factors: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let factor = factors[text.dropFirst(digits.count)] else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, milliseconds <= 86_400_000 else { return nil }
        return .milliseconds(milliseconds)
    }
}

/// A command line that cannot be understood: exit 2.
package struct UsageError: Error, Sendable, Equatable {
    package var message: String
    package var hint: String

    init(_ message: String, hint: String) {
        self.message = message
        self.hint = hint
    }

    static func unknownCommand(_ name: String) -> UsageError {
        let near = Suggestion.nearest(to: name, among: Grammar.all.map(\.name))
        return UsageError(
            "there is no command \(name)", hint: near.map { "did you mean \($0)?" } ?? "`sluice help` lists the commands")
    }
}
