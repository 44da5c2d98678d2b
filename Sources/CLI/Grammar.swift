/// What each command takes: the one table that parsing, suggestions and help read.
struct Grammar {
    struct Flag {
        var name: String
        var short: String?
        /// Name of its value in the help; nil = a switch.
        var value: String?
        var help: String
    }

    var name: String
    /// One line.
    var summary: String
    /// "[SERVICE]"; empty = none.
    var operand = ""
    var flags: [Flag]
    var requiresConfig = false
    /// Further lines of `sluice help COMMAND`.
    var details: String

    static func named(_ name: String) -> Grammar? { all.first { $0.name == name } }

    static let all: [Grammar] = [
        Grammar(
            name: "run", summary: "start the proxy in the foreground; its log goes to standard error", flags: [config],
            requiresConfig: true,
            details: """
                Signals: HUP reloads, USR1 reopens the access log, TERM and INT stop quickly (a second one at once),
                QUIT drains first.
                Exit: 0 stopped as told, 1 cannot start (address in use …), 3 configuration invalid, 5 state_dir in use.
                """),
        Grammar(
            name: "check", summary: "read and validate a configuration file, nothing else",
            flags: [
                config,
                Flag(name: "--output", short: "-o", value: "json", help: "print what was found on standard output, as a JSON array"),
            ],
            requiresConfig: true,
            details: """
                Prints every error and warning as FILE:LINE:COLUMN: error: …; hint: …; with -o json as objects with file, line,
                column, severity, message, hint (where there is one) and text.
                Exit: 0 valid, 3 invalid.
                """),
        Grammar(
            name: "reload", summary: "have the running proxy take its configuration file again", flags: client,
            details: """
                Waits until every event loop uses the new configuration, then prints the epoch and what changed.
                Exit: 0 done, 3 refused and nothing changed, 8 not confirmed in time, 11 proxy not reachable.
                """),
        Grammar(
            name: "status", summary: "show what the running proxy does", operand: "[SERVICE]",
            flags: client + [Flag(name: "--watch", short: "-w", value: nil, help: "show it again every second")],
            details: "Exit: 0 done, 4 no such service, 11 proxy not reachable."),
        Grammar(
            name: "shutdown", summary: "stop the running proxy and wait until it is gone",
            flags: client + [Flag(name: "--graceful", short: nil, value: nil, help: "lame duck, then let what is in flight finish")],
            details: "Exit: 0 gone, 8 still there when --timeout was over, 11 proxy not reachable."),
        Grammar(
            name: "demo", summary: "try it: two sample upstreams and the proxy in front of them",
            flags: [Flag(name: "--port", short: "-p", value: "PORT", help: "port of the proxy on 127.0.0.1 (8080)")],
            details: "Says what to type next. Ctrl-C stops it and removes what it made."),
        Grammar(name: "version", summary: "print the version", flags: [], details: "The same as --version."),
    ]

    private static let config = Flag(name: "--config", short: "-c", value: "FILE", help: "the configuration file")
    private static let client = [
        Flag(name: "--socket", short: nil, value: "PATH", help: "admin socket (SLUICE_SOCKET, /run/sluice/admin.sock)"),
        Flag(name: "--config", short: "-c", value: "FILE", help: "find the admin socket in this configuration file"),
        Flag(name: "--output", short: "-o", value: "json", help: "print what the proxy answered, as JSON"),
        Flag(name: "--timeout", short: nil, value: "TIME", help: "how long the command may take (30s)"),
    ]
}
