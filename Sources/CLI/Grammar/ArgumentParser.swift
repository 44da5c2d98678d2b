/// Flags and operands of one command, by its grammar.
struct ArgumentParser {
    struct Parsed {
        fileprivate(set) var flags: [String: String] = [:]
        fileprivate(set) var operands: [String] = []
        fileprivate(set) var wantsHelp = false

        func has(_ flag: String) -> Bool { flags[flag] != nil }
        func value(_ flag: String) -> String? { flags[flag] }
        /// Empty when it was left out.
        func operand(_ index: Int) -> String { operands.indices.contains(index) ? operands[index] : "" }
    }

    let grammar: Grammar
    private let rest: [String]
    private var position = 0

    init(grammar: Grammar, rest: [String]) {
        self.grammar = grammar
        self.rest = rest
    }

    mutating func parse() throws(UsageError) -> Parsed {
        var parsed = Parsed()
        var takesFlags = true
        while position < rest.count {
            let word = rest[position]
            position += 1
            if takesFlags && word == "--" {
                takesFlags = false
            } else if takesFlags && (word == "--help" || word == "-h") {
                parsed.wantsHelp = true
            } else if takesFlags && word.hasPrefix("-") && word != "-" {
                let (flag, value) = try readFlag(word)
                guard parsed.flags[flag] == nil else { throw UsageError("\(flag) is given twice", hint: "once is enough") }
                parsed.flags[flag] = value
            } else {
                parsed.operands.append(word)
            }
        }
        if !parsed.wantsHelp { try count(parsed.operands) }
        return parsed
    }

    // MARK: - Private

    private func count(_ operands: [String]) throws(UsageError) {
        if grammar.operands.last?.repeats != true, operands.count > grammar.operands.count {
            let extra = operands[grammar.operands.count]
            throw UsageError("\(grammar.name) does not take \(extra)", hint: "`sluice help \(grammar.name)` shows what it takes")
        }
        for (index, operand) in grammar.operands.enumerated() where !operand.isOptional && index >= operands.count {
            throw UsageError("\(grammar.name) needs \(operand.name)", hint: "sluice \(grammar.usage)")
        }
        // What is being completed may well be empty.
        if let empty = operands.firstIndex(of: ""), !grammar.isHidden {
            let name = grammar.operands[min(empty, grammar.operands.count - 1)].name
            throw UsageError("\(name) is empty", hint: "sluice \(grammar.usage)")
        }
    }

    /// "--flag value", "--flag=value", "-f value".
    private mutating func readFlag(_ word: String) throws(UsageError) -> (String, String) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? word
        guard let flag = grammar.flags.first(where: { $0.name == name || $0.short == name }) else {
            let near = Suggestion.nearest(to: name, among: grammar.flags.map(\.name))
            throw UsageError(
                "\(grammar.name) has no flag \(name)",
                hint: near.map { "did you mean \($0)?" } ?? "`sluice help \(grammar.name)` lists them")
        }
        guard flag.value != nil else {
            guard parts.count == 1 else { throw UsageError("\(flag.name) takes no value", hint: flag.help) }
            return (flag.name, "")
        }
        if parts.count == 2 { return (flag.name, parts[1]) }
        guard position < rest.count else {
            throw UsageError("\(name) needs a value", hint: "\(flag.name) \(flag.value ?? "")")
        }
        defer { position += 1 }
        return (flag.name, rest[position])
    }
}
