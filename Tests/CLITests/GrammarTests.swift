@testable internal import CLI
internal import Synchronization
internal import TestSupport
internal import Testing

/// Help, completion and manual come from one table: nothing may be missing in any of them.
@Suite struct GrammarTests {
    @Test("every command and flag has its help")
    func help() {
        let overview = Help.text(nil)
        for grammar in Grammar.visible {
            #expect(overview.contains("  \(grammar.usage)  "), "\(grammar.name)")
            let text = Help.text(grammar.name)
            for flag in grammar.flags { #expect(text.contains(flag.usage) && text.contains(flag.help), "\(grammar.name) \(flag.name)") }
            for code in grammar.exits { #expect(text.contains("exit \(code.rawValue): ")) }
            #expect(!text.contains(" \n"))
        }
        #expect(!overview.contains("complete "))
        for name in ["target add", "target remove", "target weight"] { #expect(Help.text("target").contains("sluice \(name) ")) }
    }

    @Test("every command that changes something takes the same conditions")
    func common() {
        for grammar in Grammar.switching {
            let names = grammar.flags.map(\.name)
            for flag in ["--force", "--if-epoch", "--reason", "--timeout", "--socket", "--config", "--output"] {
                #expect(names.contains(flag), "\(grammar.name) \(flag)")
            }
            #expect(Set(names).count == names.count, "\(grammar.name)")
        }
    }

    @Test("every example parses")
    func examples() throws {
        for example in Grammar.visible.flatMap(\.examples) where !example.contains("|") {
            let words = try Program.run(["sh", "-c", "printf '%s\\n' \(example)"]).output.split(separator: "\n").map(String.init)
            #expect(throws: Never.self, "\(example)") { try Invocation.parse(Array(words.dropFirst())) }
        }
    }

    @Test("every command and flag is in the manual, in both its forms")
    func manual() {
        let roff = ManualPage.roff(version: "1.2.3").replacing("\\-", with: "-").replacing("\\(aq", with: "'")
        for grammar in Grammar.visible {
            #expect(roff.contains(".SS \"\(grammar.usage.replacing("…", with: "..."))\""), "\(grammar.name)")
            #expect(ManualPage.markdown.contains("\n## \(grammar.name)\n"))
            for flag in grammar.flags { #expect(roff.contains(flag.name), "\(flag.name)") }
        }
        for code in ExitCode.allCases { #expect(roff.contains(".B \(code.rawValue)\n")) }
    }

    @Test("the manual page is sound roff", .enabled(if: Program.find("groff") != nil || Program.find("mandoc") != nil))
    func roff() throws {
        let folder = try TemporaryFolder()
        try write(ManualPage.roff(version: "1.2.3"), to: folder["sluice.1"])
        if Program.find("mandoc") != nil { #expect(try Program.run(["mandoc", "-Tlint", "-Werror", folder["sluice.1"]]).succeeded) }
        guard Program.find("groff") != nil else { return }
        let result = try Program.run(["groff", "-man", "-ww", "-z", "-Tutf8", folder["sluice.1"]])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
    }

    @Test("docs/commands.md is what the grammar says: `sluice man --markdown > docs/commands.md`")
    func document() throws {
        let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        #expect(text(of: root + "/docs/commands.md") == ManualPage.markdown)
    }

    @Test("the completions are sound scripts", arguments: Completion.shells)
    func scripts(shell: String) throws {
        let script = Completion.script(shell)
        #expect(script.contains("complete -- ") || shell == "fish")
        guard Program.find(shell) != nil else { return }
        let folder = try TemporaryFolder()
        try write(script, to: folder["script"])
        let result = try Program.run([shell, "-n", folder["script"]])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
    }

    private func complete(_ words: String...) -> [String] {
        let status = try? #require(
            Client(Invocation(.version), environment: [:], console: Screen().console) { _ in nil }
                .decode(StatusView.self, Array(Sample.status(blue: 95, green: 5).utf8)))
        return Completer(words: words) { status ?? nil }.candidates.map(\.word)
    }

    @Test("every command can be completed, and every flag of it")
    func candidates() {
        let first = complete("")
        for grammar in Grammar.visible {
            let words = grammar.name.split(separator: " ").map(String.init)
            #expect(first.contains(words[0]))
            let flags = Completer(words: words + ["--"]) { nil }.candidates.map(\.word)
            #expect(flags == grammar.flags.map(\.name), "\(grammar.name)")
        }
        #expect(complete("fl") == ["flip"])
        #expect(complete("target", "") == ["add", "remove", "weight"])
        #expect(!first.contains("complete"))
    }

    @Test("names come from the running proxy")
    func names() {
        #expect(complete("flip", "") == ["shop"])
        #expect(complete("flip", "shop", "") == ["blue", "green"])
        #expect(complete("flip", "shop", "g") == ["green"])
        #expect(complete("flip", "nope", "") == [])
        #expect(complete("flip", "shop", "green", "") == [])
        #expect(complete("split", "shop", "blue=95", "") == ["blue=", "green="])
        #expect(complete("drain", "shop/b") == ["shop/blue", "shop/blue/10.0.0.11:80"])
        #expect(complete("drain", "--wait", "5s", "--maintenance", "shop/blue", "") == ["shop/blue/10.0.0.11:80", "shop/green"])
        #expect(complete("target", "remove", "shop/blue", "") == ["10.0.0.11:80"])
        #expect(complete("target", "add", "") == ["shop/blue", "shop/green"])
        #expect(complete("deploy", "shop", "--to", "") == ["blue", "green"])
        #expect(complete("deploy", "shop", "--strategy", "r") == ["rolling"])
        #expect(complete("flip", "--force", "--f") == [])
        #expect(complete("run", "-c", "") == [])
        #expect(Completer(words: ["flip", ""]) { nil }.candidates.isEmpty)
    }

    @Test("a shell that completes asks quietly, and gets names with their colons whole")
    func bash() throws {
        let folder = try TemporaryFolder()
        try write(Completion.script("bash"), to: folder["script"])
        let admin = try FakeAdmin { _ in .init(200, Sample.status()) }
        func press(_ line: String) throws -> [String] {
            let script = """
                source \(folder["script"]); COMP_LINE='\(SluiceProcess.binary) \(line)'; COMP_POINT=${#COMP_LINE}; _sluice; printf '%s\\n' "${COMPREPLY[@]}"
                """
            let result = try Program.run(["bash", "-c", script], environment: ["SLUICE_SOCKET=\(admin.path)"])
            #expect(result.errors.isEmpty, "\(result.errors)")
            return result.output.split(separator: "\n").map(String.init)
        }
        #expect(try press("flip ") == ["shop"])
        #expect(try press("roll") == ["rollback"])
        #expect(try press("flip shop ") == ["blue", "green"])
        // What readline takes for a word begins behind the colon.
        #expect(try press("drain shop/blue/10.0.0.11:") == ["80"])
        #expect(try press("status --socket /nonexistent ") == [])
    }
}
