/// What the user asked for: a command and its options, checked. Parsing touches nothing.
package struct Invocation: Sendable, Equatable {
    package enum Command: Sendable, Equatable {
        case run
        case check
        case reload(Order)
        case upgrade(Order)
        case status(service: String?, watch: Bool)
        case history(service: String?, limit: Int)
        case events(follow: Bool, after: String?)
        case explain(String)
        case shutdown(Order)
        /// One after the other.
        case change([Order])
        /// One order with its progress on standard error.
        case deploy(Order)
        /// A pause, a command at its zero, and the way on.
        case pauseThen(Order, Hook)
        case demo(port: UInt16)
        case version
        /// nil = the overview; a command, or the first word of several.
        case help(String?)
        case completion(String)
        case manual(markdown: Bool)
        case complete([String])
    }

    /// What `pause --then` runs.
    package struct Hook: Sendable, Equatable {
        package enum OnFailure: String, Sendable { case resume, rollback }
        var service: String
        var command: String
        var onFailure: OnFailure
    }

    package var command: Command
    /// `--socket`.
    package var socket: String?
    /// `-c`, `--config`.
    package var config: String?
    /// `--pid-file`.
    package var pidFile: String?
    /// `-o json`.
    package var isJSON = false
    /// How long the command may take.
    package var timeout: Duration = Self.shortestTimeout

    private static let shortestTimeout = Duration.seconds(30)
    /// What a command may take beyond the waits that the proxy was asked for.
    private static let beyondWaits = Duration.seconds(10)

    package init(_ command: Command) { self.command = command }

    /// - Parameter arguments: without the program's name.
    package static func parse(_ arguments: [String]) throws(UsageError) -> Invocation {
        guard let first = arguments.first else { return Invocation(.help(nil)) }
        switch first {
        case "--version", "-V": return Invocation(.version)
        case "--help", "-h": return Invocation(.help(nil))
        case "help": return try help(Array(arguments.dropFirst()))
        default: break
        }
        guard !first.hasPrefix("-") else {
            throw UsageError("\(first) comes before a command", hint: "sluice COMMAND [FLAGS]; `sluice help` lists the commands")
        }
        var rest = Array(arguments.dropFirst())
        if !Grammar.family(first).isEmpty, let flag = rest.first, flag == "--help" || flag == "-h" { return Invocation(.help(first)) }
        let grammar = try grammar(first, &rest)
        var parser = ArgumentParser(grammar: grammar, rest: rest)
        let parsed = try parser.parse()
        return parsed.wantsHelp ? Invocation(.help(grammar.name)) : try build(grammar, parsed)
    }

    // MARK: - Private

    /// The command of one or two words; takes the second one out of `rest`.
    private static func grammar(_ first: String, _ rest: inout [String]) throws(UsageError) -> Grammar {
        if let grammar = Grammar.named(first) { return grammar }
        guard !Grammar.family(first).isEmpty else { throw .unknownCommand(first) }
        guard let second = rest.first, let grammar = Grammar.named("\(first) \(second)") else { throw .incomplete(first, rest.first) }
        rest.removeFirst()
        return grammar
    }

    private static func help(_ topic: [String]) throws(UsageError) -> Invocation {
        guard let first = topic.first else { return Invocation(.help(nil)) }
        let name = topic.joined(separator: " ")
        if Grammar.named(name) != nil || !Grammar.family(name).isEmpty { return Invocation(.help(name)) }
        guard topic.count == 1 || !Grammar.family(first).isEmpty else {
            throw UsageError("help takes one command", hint: "sluice help COMMAND")
        }
        throw topic.count == 1 ? .unknownCommand(first) : .incomplete(first, topic[1])
    }

    private static func build(_ grammar: Grammar, _ parsed: ArgumentParser.Parsed) throws(UsageError) -> Invocation {
        let values = FlagValues(parsed)
        var invocation = Invocation(try command(grammar, parsed, values))
        if case .complete(let words) = invocation.command {
            // The proxy that the line is about, as far as it is typed.
            invocation.socket = following(["--socket"], in: words)
            invocation.config = following(["--config", "-c"], in: words)
            return invocation
        }
        invocation.socket = parsed.value("--socket")
        invocation.config = parsed.value("--config")
        invocation.pidFile = parsed.value("--pid-file")
        if grammar.requiresConfig && invocation.config == nil {
            throw UsageError("\(grammar.name) needs a configuration file", hint: "sluice \(grammar.name) -c FILE")
        }
        if let format = parsed.value("--output") {
            guard format == "json" else { throw UsageError("-o \(format) is not known", hint: "the one format is: -o json") }
            invocation.isJSON = true
        }
        invocation.timeout =
            try values.duration("--timeout") ?? max(shortestTimeout, invocation.longestWait.map { $0 + beyondWaits } ?? .zero)
        return invocation
    }

    private static func command(
        _ grammar: Grammar, _ parsed: ArgumentParser.Parsed, _ values: FlagValues
    ) throws(UsageError) -> Command {
        if grammar.group == .switching { return try SwitchingCommand(parsed, values).build(grammar.name) }
        let operand = parsed.operands.first
        switch grammar.name {
        case "run": return .run
        case "check": return .check
        case "reload", "upgrade", "shutdown": return try SwitchingCommand(parsed, values).build(grammar.name)
        case "status": return .status(service: operand, watch: parsed.has("--watch"))
        case "history": return .history(service: operand, limit: try values.number("--limit", 1...1000) ?? 20)
        case "events": return .events(follow: parsed.has("--follow"), after: parsed.value("--after"))
        case "explain": return .explain(parsed.operand(0))
        case "demo": return .demo(port: try port(parsed.value("--port")))
        case "completion":
            guard let shell = operand, Completion.shells.contains(shell) else {
                throw UsageError("there is no completion for \(operand ?? "")", hint: "one of \(Completion.shells.joined(separator: ", "))")
            }
            return .completion(shell)
        case "man": return .manual(markdown: parsed.has("--markdown"))
        case "complete": return .complete(parsed.operands)
        default: return .version
        }
    }

    /// "--flag value" or "--flag=value".
    private static func following(_ flags: [String], in words: [String]) -> String? {
        for (index, word) in words.enumerated() {
            if flags.contains(word), index + 2 < words.count { return words[index + 1] }
            for flag in flags where word.hasPrefix(flag + "=") { return String(word.dropFirst(flag.count + 1)) }
        }
        return nil
    }

    private var longestWait: Duration? {
        switch command {
        case .change(let orders): orders.map(\.waits).max()
        case .deploy(let order), .pauseThen(let order, _): order.waits
        // A new process has to start, read everything and prove itself.
        case .upgrade: .seconds(180)
        default: nil
        }
    }

    private static func port(_ text: String?) throws(UsageError) -> UInt16 {
        guard let text else { return 8080 }
        guard let port = UInt16(text) else {
            throw UsageError("--port \(text) is not a port", hint: "a number from 0 to 65535; 0 = any free one")
        }
        return port
    }
}
