/// What `sluice man` prints, made from the grammar: roff for man(1), Markdown for docs/commands.md.
package enum ManualPage {
    package static func roff(version: String) -> String {
        var lines = [
            ".TH SLUICE 1 \"\" \"sluice \(escaped(version))\" \"User Commands\"", ".SH NAME",
            "sluice \\- a reverse proxy made to switch traffic without losing a request", ".SH SYNOPSIS", ".B sluice",
            "\\fICOMMAND\\fR [\\fIFLAGS\\fR]",
        ]
        for group in Grammar.Group.allCases {
            lines.append(".SH \"COMMANDS: \(escaped(group.rawValue.uppercased()))\"")
            for grammar in Grammar.visible where grammar.group == group { lines += command(grammar) }
        }
        lines.append(".SH \"EXIT STATUS\"")
        lines.append("3 to 6: traffic is untouched.")
        for code in ExitCode.allCases { lines += [".TP", ".B \(code.rawValue)", line(code.meaning)] }
        lines.append(".SH ENVIRONMENT")
        for (name, meaning) in environment { lines += [".TP", ".B \(name)", line(meaning)] }
        lines.append(".SH FILES")
        lines += [".TP", ".I /run/sluice/admin.sock", "the admin socket, where neither the file nor a flag says another"]
        return lines.joined(separator: "\n") + "\n"
    }

    package static var markdown: String {
        var lines = [
            "# Commands", "", "Made by `sluice man --markdown`; `sluice help COMMAND` says the same.", "",
            "| Command | What it does |", "| --- | --- |",
        ]
        for group in Grammar.Group.allCases {
            for grammar in Grammar.visible where grammar.group == group {
                lines.append("| [`\(cell(grammar.usage))`](#\(grammar.name.replacing(" ", with: "-"))) | \(cell(grammar.summary)) |")
            }
        }
        lines += [
            "", "## Exit codes", "", "A contract with scripts. 3 to 6: traffic is untouched.", "", "| Code | Meaning |", "| --- | --- |",
        ]
        lines += ExitCode.allCases.map { "| \($0.rawValue) | \(cell($0.meaning)) |" }
        lines += ["", "## Environment", "", "| Variable | Meaning |", "| --- | --- |"]
        lines += environment.map { "| `\($0.0)` | \(cell($0.1)) |" }
        for grammar in Grammar.visible { lines += section(grammar) }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - Private

    private static let environment = [
        ("SLUICE_SOCKET", "the admin socket, when neither --socket nor --config names one"),
        ("NO_COLOR", "set to anything: no colour, not even on a terminal"),
    ]

    private static func command(_ grammar: Grammar) -> [String] {
        var lines = [".SS \"\(escaped(grammar.usage))\"", line(grammar.summary)]
        for flag in grammar.flags {
            let names = [flag.short, flag.name].compactMap(\.self).map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
            lines += [".TP", names + (flag.value.map { " \\fI\(escaped($0))\\fR" } ?? ""), line(flag.help)]
        }
        if !grammar.details.isEmpty { lines += [".PP", ".nf"] + grammar.details.split(separator: "\n").map { line(String($0)) } + [".fi"] }
        if !grammar.examples.isEmpty { lines += [".PP", ".nf"] + grammar.examples.map { line("    \($0)") } + [".fi"] }
        if !grammar.exits.isEmpty {
            lines += [".PP", line("Exit: " + grammar.exits.map { "\($0.rawValue)" }.joined(separator: ", ") + ".")]
        }
        return lines
    }

    /// A whole line: one that begins with "." or "'" would be a request.
    private static func line(_ text: String) -> String { (text.hasPrefix(".") || text.hasPrefix("'") ? "\\&" : "") + escaped(text) }

    private static func escaped(_ text: String) -> String {
        let replacements: [Character: String] = [
            "\\": "\\e", "-": "\\-", "\"": "\\(dq", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", "…": "...",
        ]
        return text.map { replacements[$0] ?? String($0) }.joined()
    }

    private static func section(_ grammar: Grammar) -> [String] {
        var lines = [
            "", "## \(grammar.name)", "", "`sluice \(grammar.usage)`", "",
            grammar.summary.prefix(1).uppercased() + grammar.summary.dropFirst() + ".",
        ]
        if !grammar.details.isEmpty {
            // Lines that are commands to copy keep their shape.
            let isCode = grammar.name == "completion"
            lines += [""] + (isCode ? ["```"] : []) + grammar.details.split(separator: "\n").map(String.init) + (isCode ? ["```"] : [])
        }
        if !grammar.flags.isEmpty {
            lines += ["", "| Flag | Meaning |", "| --- | --- |"]
            lines += grammar.flags.map { "| `\(cell($0.usage))` | \(cell($0.help)) |" }
        }
        if !grammar.examples.isEmpty { lines += ["", "```sh"] + grammar.examples + ["```"] }
        if !grammar.exits.isEmpty { lines += ["", "Exit codes: " + grammar.exits.map { "\($0.rawValue)" }.joined(separator: ", ") + "."] }
        return lines
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
