/// What `sluice help` prints, made from the grammar.
package enum Help {
    package static func text(_ topic: String?) -> String {
        guard let topic, let grammar = Grammar.named(topic) else { return overview }
        var lines = ["sluice \(grammar.name)\(grammar.operand.isEmpty ? "" : " " + grammar.operand): \(grammar.summary)", ""]
        if !grammar.flags.isEmpty {
            lines += Table.lines(
                grammar.flags.map { flag in
                    let names = [flag.short, flag.name].compactMap { $0 }.joined(separator: ", ")
                    return ["  \(names)\(flag.value.map { " " + $0 } ?? "")", flag.help]
                })
            lines.append("")
        }
        return (lines + [grammar.details]).joined(separator: "\n") + "\n"
    }

    private static var overview: String {
        let commands = Table.lines(Grammar.all.map { ["  \($0.name)\($0.operand.isEmpty ? "" : " " + $0.operand)", $0.summary] })
        return """
            sluice: a reverse proxy made to switch traffic without losing a request

            usage: sluice COMMAND [FLAGS]

            \(commands.joined(separator: "\n"))

            `sluice help COMMAND` tells more; `sluice demo` is the thing to try first.

            """
    }
}
