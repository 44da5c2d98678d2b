extension Grammar {
    /// The verbs that change the release state.
    static let switching: [Grammar] = splits + holds + places + [deploy, undo]

    private static let splits = [
        Grammar(
            name: "flip", group: .switching, summary: "move all traffic of a service to one pool",
            operands: [service, Operand(name: "POOL", kind: .pool, isOptional: true)], flags: [waitDrained] + mutating,
            details: """
                POOL left out: the other one of two. When it returns 0, no request begins on the old pool any more, on any event loop.
                Before anything changes, the pool must have enough healthy targets (--force passes over that).
                """,
            examples: ["sluice flip shop green", "sluice flip shop --wait-drained 30s --reason \"release 42\""],
            exits: switchingExits.adding(.notDrained)),
        Grammar(
            name: "split", group: .switching, summary: "share a service's traffic out by weight",
            operands: [service, Operand(name: "POOL=WEIGHT", kind: .weight, isOptional: true, repeats: true)],
            flags: [Flag(name: "--from-config", help: "take the split of the configuration file"), waitDrained] + mutating,
            details: """
                Weights are numbers in proportion (blue=95 green=5) or percentages (blue=99.9% green=0.1%). A pool that is not named gets nothing.
                """,
            examples: ["sluice split shop blue=99 green=1", "sluice split shop --from-config"],
            exits: switchingExits.adding(.notDrained)),
        Grammar(
            name: "rollback", group: .switching, summary: "go back to the split before the last change", operands: [service],
            flags: mutating,
            details: "A second rollback goes forward again. `sluice undo` takes back any other command.",
            examples: ["sluice rollback shop"], exits: switchingExits),
    ]

    private static let holds = [
        Grammar(
            name: "pause", group: .switching, summary: "hold new requests of a service, let those under way finish", operands: [service],
            flags: [
                Flag(name: "--max-wait", value: "TIME", help: "how long one request may be held before it gets 503 (the file's, 20s)"),
                Flag(name: "--requests", value: "N", help: "how many may be held at once (the file's, 10000)"),
                Flag(name: "--bytes", value: "SIZE", help: "how much of them may be held at once (the file's, 64MiB)"),
                Flag(name: "--wait", value: "TIME", help: "come back when nothing is in flight any more (exit 9 if not in time)"),
                Flag(name: "--then", value: "COMMAND", help: "run this by /bin/sh when nothing is in flight, then resume"),
                Flag(
                    name: "--on-fail", value: "resume|rollback", kind: .oneOf(["resume", "rollback"]),
                    help: "when that command fails: resume, or go back to the split before the pause, then resume (resume)"),
            ] + mutating,
            details: """
                With --then, the command waits until nothing is in flight (--wait; left out, --max-wait or 20s), runs COMMAND with
                SLUICE_SERVICE and SLUICE_SOCKET in its environment, and resumes. If the requests under way do not finish in time,
                COMMAND is not run and the service stays paused (exit 9). If COMMAND fails, or Ctrl-C ends it, --on-fail applies (exit 7).
                With -o json there is one document for each request: the pause, a rollback, the resume.
                """,
            examples: ["sluice pause shop --max-wait 20s --then './migrate && sluice flip shop green' --on-fail rollback"],
            exits: switchingExits.adding(.failedAndRolledBack, .notDrained, .needsPerson)),
        Grammar(
            name: "resume", group: .switching, summary: "let the held requests of a service go", operands: [service],
            flags: [Flag(name: "--ramp", value: "TIME", help: "let them go over this time, not all at once")] + mutating,
            examples: ["sluice resume shop --ramp 2s"], exits: switchingExits),
    ]

    private static let leaving = Operand(name: "TARGET", kind: .place, repeats: true)
    private static let pool = Operand(name: "SERVICE/POOL", kind: .servicePool)
    private static let address = Operand(name: "ADDRESS", kind: .address)
    private static let waitForEnd = Flag(
        name: "--wait", value: "TIME", help: "how long to wait until it holds no request any more (exit 9 if not in time)")

    private static let places = [
        Grammar(
            name: "drain", group: .switching, summary: "give targets or whole pools no new requests", operands: [leaving],
            flags: [waitForEnd, Flag(name: "--maintenance", help: "the same, and no alarm about their health")] + mutating,
            details: """
                TARGET is SERVICE/POOL or SERVICE/POOL/ADDRESS. What is under way finishes; who still holds it is listed (exit 9).
                Several services are one request each, one after the other: the first failure decides the exit code, and the rest is told.
                """,
            examples: [
                "sluice drain shop/blue/10.0.0.11:8080 --wait 30s", "sluice drain shop/blue --maintenance --reason \"kernel update\"",
            ],
            exits: switchingExits.adding(.notDrained)),
        Grammar(
            name: "undrain", group: .switching, summary: "give them requests again", operands: [leaving], flags: mutating,
            examples: ["sluice undrain shop/blue"], exits: switchingExits),
        Grammar(
            name: "target add", group: .switching, summary: "add a target to a pool", operands: [pool, Operand(name: "ADDRESS")],
            flags: [Flag(name: "--weight", value: "N", help: "its weight in the pool (1)")] + mutating,
            details: "It stays over reloads and restarts. With a health check it gets no request before the first pass.",
            examples: ["sluice target add shop/green 10.0.0.23:8080 --weight 2"], exits: switchingExits),
        Grammar(
            name: "target remove", group: .switching, summary: "take a target out of a pool", operands: [pool, address],
            flags: [waitForEnd] + mutating, examples: ["sluice target remove shop/blue 10.0.0.11:8080 --wait 30s"],
            exits: switchingExits.adding(.notDrained)),
        Grammar(
            name: "target weight", group: .switching, summary: "set a target's weight in its pool",
            operands: [pool, address, Operand(name: "N")], flags: mutating, examples: ["sluice target weight shop/blue 10.0.0.11:8080 3"],
            exits: switchingExits),
    ]

    private static let deploy = Grammar(
        name: "deploy", group: .switching, summary: "bring a new version up and move the traffic there, in one command",
        operands: [service],
        flags: [
            Flag(name: "--to", value: "POOL", kind: .pool, help: "the pool that takes over"),
            Flag(name: "--targets", value: "A,B", help: "what that pool consists of afterwards (as it is)"),
            Flag(
                name: "--strategy", value: "NAME", kind: .oneOf(["blue-green", "rolling"]), help: "blue-green or rolling (blue-green)"),
            Flag(name: "--wait", value: "TIME", help: "how long the new targets may take to become healthy (120s)"),
            Flag(name: "--drain-wait", value: "TIME", help: "how long the old ones may take to finish (30s)"),
        ] + mutating,
        details: """
            Adds the targets, waits until they are healthy, moves the traffic, drains what is left behind. Any failure before the traffic
            has moved leaves the old pool serving and says why. Progress goes to standard error, the receipt to standard output.
            """,
        examples: ["sluice deploy shop --to green --targets 10.0.0.21:8080,10.0.0.22:8080 --wait 120s"],
        exits: switchingExits.adding(.notDrained))

    private static let undo = Grammar(
        name: "undo", group: .switching, summary: "take the newest command back, or all after a record of the history",
        flags: [Flag(name: "--to", value: "N", help: "to the state right after record N of the history (0: before the first)")] + mutating,
        examples: ["sluice undo", "sluice undo --to 12"], exits: switchingExits)
}
