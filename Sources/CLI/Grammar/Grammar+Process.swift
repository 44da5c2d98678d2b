extension Grammar {
    /// The commands that only look.
    static let looking: [Grammar] = [
        Grammar(
            name: "status", group: .looking, summary: "show what the running proxy does",
            operands: [Operand(name: "SERVICE", kind: .service, isOptional: true)],
            flags: [Flag(name: "--watch", short: "-w", help: "show it again every second")] + client, exits: lookingExits),
        Grammar(
            name: "history", group: .looking, summary: "list the commands that changed something, newest last",
            operands: [Operand(name: "SERVICE", kind: .service, isOptional: true)],
            flags: [Flag(name: "--limit", value: "N", help: "so many at most (20)")] + client, exits: lookingExits),
        Grammar(
            name: "events", group: .looking, summary: "show what happens in the proxy",
            flags: [
                Flag(name: "--follow", short: "-f", help: "go on until Ctrl-C"),
                Flag(
                    name: "--after", value: "ID", help: "those after this one; left out: all that it remembers, with --follow new ones only"
                ),
            ] + client,
            details: "With -o json: one event per line. A connection that breaks is made again, and no event is lost or told twice.",
            examples: ["sluice events --follow"], exits: [.done, .usage, .timedOut, .notReachable]),
        Grammar(
            name: "explain", group: .looking, summary: "tell in words what became of a request", operands: [Operand(name: "REQUEST_ID")],
            flags: client, details: "REQUEST_ID is the x-request-id that the client got and the access log has.", exits: lookingExits),
    ]

    /// The proxy as a process, and what teaches it.
    static let process: [Grammar] = [
        Grammar(
            name: "run", group: .process, summary: "start the proxy in the foreground; its log goes to standard error",
            flags: [
                config,
                Flag(name: "--pid-file", value: "PATH", kind: .file, help: "names the process that serves, here and after upgrades"),
            ],
            requiresConfig: true,
            details: """
                Signals: HUP reloads, USR1 reopens the access log, TERM and INT stop quickly (a second one at once),
                QUIT drains first, USR2 upgrades. Exit 0 = stopped as told, 1 = cannot start (address in use …), 5 = state_dir in use.
                """,
            exits: [.done, .internalError, .invalidConfiguration, .conflict]),
        Grammar(
            name: "check", group: .process, summary: "read and validate a configuration file, nothing else",
            flags: [
                config,
                Flag(
                    name: "--output", short: "-o", value: "json", kind: .oneOf(["json"]),
                    help: "print what was found on standard output, as a JSON array"),
            ],
            requiresConfig: true,
            details: """
                Prints every error and warning as FILE:LINE:COLUMN: error: …; hint: …; with -o json as objects with file, line,
                column, severity, message, hint (where there is one) and text.
                """,
            exits: [.done, .invalidConfiguration]),
        Grammar(
            name: "reload", group: .process, summary: "have the running proxy take its configuration file again", flags: changing,
            details: "Waits until every event loop uses the new configuration, then prints the epoch and what changed.",
            exits: [.done, .invalidConfiguration, .conflict, .timedOut, .notReachable]),
        Grammar(
            name: "upgrade", group: .process, summary: "replace the running proxy by a new binary, without losing a connection",
            flags: [Flag(name: "--binary", value: "PATH", kind: .file, help: "the new program (the one that runs, read again)")] + changing,
            details: "The new process proves itself before the old one stops accepting; if it fails at any step, the old one goes on.",
            exits: [.done, .internalError, .usage, .invalidConfiguration, .conflict, .timedOut, .notReachable]),
        Grammar(
            name: "shutdown", group: .process, summary: "stop the running proxy and wait until it is gone",
            flags: [Flag(name: "--graceful", help: "lame duck, then let what is in flight finish")] + changing,
            exits: [.done, .conflict, .timedOut, .notReachable]),
        Grammar(
            name: "demo", group: .learning, summary: "try it: two sample upstreams and the proxy in front of them",
            flags: [Flag(name: "--port", short: "-p", value: "PORT", help: "port of the proxy on 127.0.0.1 (8080)")],
            details: "Says what to type next. Ctrl-C stops it and removes what it made."),
        Grammar(
            name: "completion", group: .learning, summary: "print the completion for a shell",
            operands: [Operand(name: "SHELL", kind: .oneOf(["bash", "zsh", "fish"]))],
            details: """
                bash: sluice completion bash > /etc/bash_completion.d/sluice
                zsh:  sluice completion zsh > "${fpath[1]}/_sluice"
                fish: sluice completion fish > ~/.config/fish/completions/sluice.fish
                """),
        Grammar(
            name: "man", group: .learning, summary: "print the manual page",
            flags: [Flag(name: "--markdown", help: "as Markdown: docs/commands.md")],
            examples: ["sluice man | man -l -"]),
        Grammar(name: "version", group: .learning, summary: "print the version", details: "The same as --version."),
        Grammar(
            name: "complete", group: .learning, summary: "what could stand where the cursor is",
            operands: [Operand(name: "WORD", isOptional: true, repeats: true)], isHidden: true),
    ]
}
