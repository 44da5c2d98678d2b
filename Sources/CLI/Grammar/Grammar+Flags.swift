/// Flags that several commands share.
extension Grammar {
    static let config = Flag(name: "--config", short: "-c", value: "FILE", kind: .file, help: "the configuration file")

    /// Of everything that talks to a running proxy.
    static let client = [
        Flag(name: "--socket", value: "PATH", kind: .file, help: "admin socket (SLUICE_SOCKET, /run/sluice/admin.sock)"),
        Flag(name: "--config", short: "-c", value: "FILE", kind: .file, help: "find the admin socket in this configuration file"),
        Flag(name: "--output", short: "-o", value: "json", kind: .oneOf(["json"]), help: "print what the proxy answered, as JSON"),
        Flag(name: "--timeout", value: "TIME", help: "how long the command may take (30s, or its own waits and 10s)"),
    ]

    private static let ifEpoch = Flag(name: "--if-epoch", value: "N", help: "only if the proxy is still at this epoch (exit 5)")
    private static let reason = Flag(name: "--reason", value: "TEXT", help: "why: kept in the history and told in the events")
    private static let force = Flag(name: "--force", help: "pass over the preflight, and over a deployment under way (which it ends)")

    /// Of everything that changes the release state.
    static let mutating = [ifEpoch, force, reason] + client
    /// Of everything that changes the process.
    static let changing = [ifEpoch, reason] + client

    static let waitDrained = Flag(
        name: "--wait-drained", value: "TIME", help: "come back when what lost traffic holds no request any more (exit 9 if not in time)")

    static let service = Operand(name: "SERVICE", kind: .service)

    /// Exit codes of a command that switches.
    static let switchingExits: [ExitCode] = [.done, .usage, .notFound, .conflict, .preflightRefused, .timedOut, .notReachable]
    static let lookingExits: [ExitCode] = [.done, .usage, .notFound, .timedOut, .notReachable]
}

extension [ExitCode] {
    func adding(_ more: ExitCode...) -> [ExitCode] { (self + more).sorted { $0.rawValue < $1.rawValue } }
}
