/// `sluice pause SERVICE --then COMMAND`: hold the requests, run the command when nothing is in flight, let the requests go.
///
/// A service that stays paused is an outage, one that is resumed in the wrong state is worse: where it is not known what is right, it
/// stays paused and the words say how to go on (exit 10).
struct PauseThen {
    private let client: Client
    private let order: Order
    private let hook: Invocation.Hook

    init(_ client: Client, _ order: Order, _ hook: Invocation.Hook) {
        self.client = client
        self.order = order
        self.hook = hook
    }

    func run() -> ExitCode {
        let interrupts = Interrupts()
        // What a rollback has to come back to: the command may have switched, or not come that far.
        let before = shares()
        let paused = client.again().carryOut(order, beside: [interrupts])
        if interrupts.caught != nil {
            say("interrupted before the command was run; resuming \(hook.service)")
            return resume(then: .failedAndRolledBack)
        }
        guard let receipt = paused.receipt else {
            if paused.code == .timedOut { say("\(hook.service) may be paused: \(wayOn)") }
            return paused.code
        }
        let inFlight = (receipt.inFlight ?? []).reduce(0) { $0.addingReportingOverflow($1.exchanges).partialValue }
        guard paused.code == .done, inFlight == 0 else {
            let code = paused.code == .done ? ExitCode.notDrained : paused.code
            say("the command was not run, and \(hook.service) is still paused: \(wayOn)")
            return code
        }
        say("nothing is in flight; running: \(hook.command)")
        let end = HookProcess(command: hook.command, environment: hookEnvironment).run(interrupts)
        if end == .exited(0) && interrupts.caught == nil { return resume(then: .done) }
        let words = end == .exited(0) ? "it was interrupted" : end.words
        _ = client.fail("the command failed: \(words)", hint: nil, .failedAndRolledBack)
        return hook.onFailure == .rollback ? rollBackAndResume(to: before) : resume(then: .failedAndRolledBack)
    }

    // MARK: - Private

    private var wayOn: String { "`sluice resume \(hook.service)\(client.socketFlags)` lets the held requests go" }

    private var hookEnvironment: [String] {
        let own = client.environment.filter { $0.key != "SLUICE_SERVICE" && $0.key != "SLUICE_SOCKET" }
        return own.map { "\($0.key)=\($0.value)" } + ["SLUICE_SERVICE=\(hook.service)", "SLUICE_SOCKET=\(client.socket)"]
    }

    private func say(_ text: String) {
        client.console.error(text + "\n")
    }

    /// - Parameter then: what to exit with once it is resumed.
    private func resume(then code: ExitCode) -> ExitCode {
        let result = client.again().carryOut(Order(hook.service, "resume", conditions))
        guard result.receipt != nil else { return needsPerson("it could not be resumed") }
        // A loop that did not confirm goes on holding requests.
        return result.code == .done ? code : result.code
    }

    private func rollBackAndResume(to before: [String: Double]?) -> ExitCode {
        guard let before, let now = shares() else { return needsPerson("it is not known whether the split has to go back") }
        if now == before {
            say("the split is what it was before the pause")
        } else {
            let result = client.again().carryOut(Order(hook.service, "rollback", conditions))
            guard result.receipt != nil, result.code == .done else { return needsPerson("the split could not be rolled back") }
            guard shares() == before else {
                return needsPerson("the split was rolled back, but is not what it was before the pause: \(ReceiptText.split(before))")
            }
        }
        return resume(then: .failedAndRolledBack)
    }

    /// The pause's conditions hold for what belongs to it; its epoch has passed.
    private var conditions: [String: JSONValue] { order.members.filter { $0.key == "force" || $0.key == "reason" } }

    private func needsPerson(_ reason: String) -> ExitCode {
        client.fail("\(hook.service) is still paused: \(reason)", hint: wayOn, .needsPerson)
    }

    /// Percent by pool; nil when it cannot be told.
    private func shares() -> [String: Double]? {
        let status = client.again().ask("/v1/status/" + PathSegment.escaped(hook.service), as: StatusView.self)
        guard let service = status?.services.first(where: { $0.name == hook.service }) else { return nil }
        return Dictionary(service.pools.map { ($0.name, $0.share) }) { first, _ in first }
    }
}
