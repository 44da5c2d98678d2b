/// What `sluice help` prints, made from the grammar.
package enum Help {
    /// - Parameter topic: a command, or the first word of several; nil = the overview.
    package static func text(_ topic: String?) -> String {
        guard let topic else { return overview }
        if let grammar = Grammar.named(topic) { return text(of: grammar) }
        let family = Grammar.family(topic)
        return family.isEmpty ? overview : family.map(text(of:)).joined(separator: "\n")
    }

    // MARK: - Private

    private static func text(of grammar: Grammar) -> String {
        var parts = ["sluice \(grammar.usage): \(grammar.summary)"]
        if !grammar.flags.isEmpty { parts.append(Table.lines(grammar.flags.map { ["  \($0.usage)", $0.help] }).joined(separator: "\n")) }
        if !grammar.details.isEmpty { parts.append(grammar.details) }
        if !grammar.examples.isEmpty { parts.append(grammar.examples.map { "  \($0)" }.joined(separator: "\n")) }
        if !grammar.exits.isEmpty { parts.append(grammar.exits.map { "exit \($0.rawValue): \($0.meaning)" }.joined(separator: "\n")) }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static var overview: String {
        let width = Grammar.visible.map(\.usage.count).max() ?? 0
        let groups = Grammar.Group.allCases.map { group -> String in
            let rows = Grammar.visible.filter { $0.group == group }.map { grammar in
                "  " + grammar.usage + String(repeating: " ", count: width - grammar.usage.count) + "  " + grammar.summary
            }
            return ([group.rawValue + ":"] + rows).joined(separator: "\n")
        }
        return """
            sluice: a reverse proxy made to switch traffic without losing a request

            usage: sluice COMMAND [FLAGS]

            \(groups.joined(separator: "\n\n"))

            `sluice help COMMAND` tells more; `sluice demo` is the thing to try first.

            """
    }
}

extension Grammar.Flag {
    /// "-o, --output json"
    var usage: String {
        [short, name].compactMap(\.self).joined(separator: ", ") + (value.map { " " + $0 } ?? "")
    }
}
