/// What could stand where the cursor is. The shells ask `sluice complete`, so that there is one answer for all of them.
struct Completer {
    struct Candidate: Equatable {
        var word: String
        var help: String
    }

    /// Behind the program's name; the last one is being typed and may be empty.
    private let words: [String]
    private let status: () -> StatusView?

    /// - Parameter status: asked at most once, and only when names are wanted.
    init(words: [String], status: @escaping () -> StatusView?) {
        self.words = words.isEmpty ? [""] : words
        self.status = status
    }

    var candidates: [Candidate] { proposals.filter { $0.word.hasPrefix(typed) && $0.word != typed } }

    // MARK: - Private

    private var typed: String { words.last ?? "" }

    private var proposals: [Candidate] {
        guard words.count > 1 else { return Grammar.firstWords.map { Candidate(word: $0, help: Self.summary($0)) } }
        let first = words[0]
        if first == "help" { return Grammar.visible.map { Candidate(word: $0.name, help: $0.summary) } }
        if let grammar = Grammar.named(first) { return inside(grammar, Array(words.dropFirst().dropLast())) }
        let family = Grammar.family(first)
        if words.count > 2, let grammar = Grammar.named("\(first) \(words[1])") {
            return inside(grammar, Array(words.dropFirst(2).dropLast()))
        }
        return words.count == 2 ? family.map { Candidate(word: String($0.name.dropFirst(first.count + 1)), help: $0.summary) } : []
    }

    private static func summary(_ word: String) -> String {
        if word == "help" { return "tell more about a command" }
        return Grammar.named(word)?.summary ?? Grammar.family(word).map(\.name).joined(separator: ", ")
    }

    /// - Parameter before: what stands between the command and the cursor.
    private func inside(_ grammar: Grammar, _ before: [String]) -> [Candidate] {
        var operands: [String] = []
        var given: Set<String> = []
        var pending: Grammar.Flag?
        for word in before {
            if pending != nil {
                pending = nil
            } else if word.hasPrefix("-") {
                let flag = grammar.flags.first { $0.name == word.prefix { $0 != "=" } || $0.short == word }
                given.insert(flag?.name ?? word)
                pending = flag?.value != nil && !word.contains("=") ? flag : nil
            } else {
                operands.append(word)
            }
        }
        if let pending { return proposals(pending.kind, operands) }
        if typed.hasPrefix("-") {
            return grammar.flags.filter { !given.contains($0.name) }.map { Candidate(word: $0.name, help: $0.help) }
        }
        guard let operand = operands.count < grammar.operands.count ? grammar.operands[operands.count] : grammar.operands.last,
            operand.repeats || operands.count < grammar.operands.count
        else { return [] }
        return proposals(operand.kind, operands).filter { !operands.contains($0.word) }
    }

    private func proposals(_ kind: Grammar.Kind, _ operands: [String]) -> [Candidate] {
        switch kind {
        case .service: names { services in services.map { ($0.name, "service") } }
        case .pool: pools(of: operands.first) { "\($0.name)" }
        case .weight: pools(of: operands.first) { "\($0.name)=" }
        case .servicePool:
            names { services in services.flatMap { service in service.pools.map { ("\(service.name)/\($0.name)", "pool") } } }
        case .place:
            names { services in
                services.flatMap { service in
                    service.pools.flatMap { pool in
                        [("\(service.name)/\(pool.name)", "pool")]
                            + pool.targets.map { ("\(service.name)/\(pool.name)/\($0.target)", "target") }
                    }
                }
            }
        case .address:
            names { services in
                services.flatMap { service in
                    service.pools.filter { "\(service.name)/\($0.name)" == operands.first }.flatMap(\.targets).map { ($0.target, "target") }
                }
            }
        case .command: Grammar.visible.map { Candidate(word: $0.name, help: $0.summary) }
        case .oneOf(let words): words.map { Candidate(word: $0, help: "") }
        // The shells know files better.
        case .file, .free: []
        }
    }

    private func pools(of service: String?, _ word: (StatusView.Service.Pool) -> String) -> [Candidate] {
        names { services in
            services.filter { $0.name == service }.flatMap(\.pools).map { (word($0), "\(StatusTable.percent($0.share)) now") }
        }
    }

    private func names(_ pick: ([StatusView.Service]) -> [(String, String)]) -> [Candidate] {
        guard let status = status() else { return [] }
        return pick(status.services).map { Candidate(word: Printable.text($0.0), help: $0.1) }
    }
}
