internal import FoundationEssentials
internal import Glibc

/// The commands that talk to a running proxy. Prints the result on standard output, everything else on standard error.
package struct Client: Sendable {
    private static let defaultSocket = "/run/sluice/admin.sock"

    let invocation: Invocation
    let socket: String
    let console: Console
    /// The process's own: a hook inherits it.
    let environment: [String: String]
    private(set) var deadline: ContinuousClock.Instant

    /// - Parameter socketInConfig: where the configuration file of that name says the admin socket is; nil when it cannot be read.
    package init(
        _ invocation: Invocation, environment: [String: String], console: Console, socketInConfig: (String) -> String?
    ) {
        self.invocation = invocation
        self.console = console
        self.environment = environment
        let fromConfig = invocation.config.flatMap(socketInConfig)
        socket = invocation.socket ?? fromConfig ?? environment["SLUICE_SOCKET"] ?? Self.defaultSocket
        deadline = .now + invocation.timeout
    }

    /// Blocks until the command is through.
    package func run() -> ExitCode {
        switch invocation.command {
        case .reload(let order): reload(order)
        case .upgrade(let order): upgrade(order)
        case .status(let service, let watch): status(service: service, watch: watch)
        case .history(let service, let limit): history(service: service, limit: limit)
        case .events(let follow, let after): EventFollower(self, follow: follow, after: after).run()
        case .explain(let request): explain(request)
        case .shutdown(let order): shutdown(order)
        case .change(let orders): change(orders)
        case .deploy(let order): deploy(order)
        case .pauseThen(let order, let hook): PauseThen(self, order, hook).run()
        case .complete(let words): complete(words)
        case .run, .check, .demo, .version, .help, .completion, .manual: .usage
        }
    }

    // MARK: - One request and its answer

    /// The same client with the deadline counted anew: one look of several.
    func again(within timeout: Duration? = nil) -> Client {
        var client = self
        client.deadline = .now + (timeout ?? invocation.timeout)
        return client
    }

    /// Without a word: nil when there is no answer, or it is a refusal.
    func ask<Value: Decodable>(_ target: String, as type: Value.Type) -> Value? {
        guard let reply = try? AdminClient(path: socket, deadline: deadline).send(AdminRequest("GET", target)), reply.status == 200 else {
            return nil
        }
        return decode(type, reply.body)
    }

    /// - Parameter show: prints what was answered for people; its code is the command's.
    func exchange(_ request: AdminRequest, beside companions: [any Companion] = [], _ show: (AdminClient.Reply) -> ExitCode) -> ExitCode {
        do throws(AdminFailure) {
            let reply = try AdminClient(path: socket, deadline: deadline).send(request, beside: companions)
            if invocation.isJSON { printJSON(reply.body) }
            return (200..<300).contains(reply.status) ? show(reply) : refused(reply)
        } catch {
            return failed(error)
        }
    }

    func failed(_ failure: AdminFailure) -> ExitCode {
        switch failure {
        case .notReachable(let reason):
            fail("no proxy answers at \(socket): \(reason)", hint: "is it running? name its socket with --socket or -c", .notReachable)
        case .timedOut:
            fail("no answer in time", hint: "it may still take effect: `sluice status` tells; --timeout gives it longer", .timedOut)
        case .malformed: malformed()
        case .interrupted: fail("interrupted", hint: "`sluice status` tells what is so now", .internalError)
        }
    }

    func refused(_ reply: AdminClient.Reply) -> ExitCode {
        let fromStatus = ExitCode(status: reply.status)
        guard let problem = decode(ProblemView.self, reply.body) else { return malformed() }
        let code = problem.exitCode.flatMap(ExitCode.init(rawValue:)) ?? fromStatus
        console.error(ProblemText.text(problem, paint: console.errorPaint))
        // A refusal is never a success, whatever it says.
        return code == .done ? .internalError : code
    }

    func malformed() -> ExitCode {
        fail("the answer at \(socket) was not understood", hint: "is it a sluice of this version?", .internalError)
    }

    func fail(_ message: String, hint: String?, _ code: ExitCode) -> ExitCode {
        console.error("\(console.errorPaint("sluice:", .bad)) \(message)\(hint.map { " (\($0))" } ?? "")\n")
        return code
    }

    func printJSON(_ body: [UInt8]) {
        let text = String(decoding: body, as: UTF8.self)
        console.out(text.hasSuffix("\n") ? text : text + "\n")
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(body))
    }

    /// Of the command line, so that a command that is proposed can be typed as it stands.
    var socketFlags: String {
        if let socket = invocation.socket { return " --socket \(socket)" }
        return invocation.config.map { " -c \($0)" } ?? ""
    }
}
