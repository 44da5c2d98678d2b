internal import FoundationEssentials
internal import Glibc

/// The commands that talk to a running proxy. Prints the result on standard output, everything else on standard error.
package struct Client: Sendable {
    private static let defaultSocket = "/run/sluice/admin.sock"

    private let invocation: Invocation
    private let socket: String
    private let deadline: ContinuousClock.Instant

    /// - Parameter socketInConfig: where the configuration file of that name says the admin socket is; nil when it cannot be read.
    package init(_ invocation: Invocation, environment: [String: String], socketInConfig: (String) -> String?) {
        self.invocation = invocation
        let fromConfig = invocation.config.flatMap(socketInConfig)
        socket = invocation.socket ?? fromConfig ?? environment["SLUICE_SOCKET"] ?? Self.defaultSocket
        deadline = .now + invocation.timeout
    }

    package func reload() -> ExitCode {
        exchange("POST", "/v1/reload") { body in
            guard let reply = decode(ReloadReply.self, body) else { return malformed() }
            for warning in reply.warnings { Terminal.error(warning.text + "\n") }
            let first = reply.changed ? "epoch \(reply.epoch)" : "nothing changed; epoch \(reply.epoch)"
            Terminal.out(([first] + reply.diff).joined(separator: "\n") + "\n")
            return .done
        }
    }

    package func status(service: String?, watch: Bool) -> ExitCode {
        let path = service.map { "/v1/status/" + Self.escaped($0) } ?? "/v1/status"
        while true {
            let code = Client(self).exchange("GET", path) { body in
                guard let status = decode(StatusView.self, body) else { return malformed() }
                // Home and clear, so that the picture stays in its place.
                let clear = watch && Terminal.isInteractive ? "\u{1B}[H\u{1B}[2J" : ""
                Terminal.out(clear + StatusTable.text(status))
                return .done
            }
            guard watch, code == .done else { return code }
            sleep(1)
        }
    }

    /// The order is given; then the socket's end is awaited: that is when the process has let go of everything.
    package func shutdown(graceful: Bool) -> ExitCode {
        let code = exchange("POST", "/v1/shutdown", body: graceful ? "{\"graceful\": true}" : "") { _ in .done }
        guard code == .done else { return code }
        if !invocation.isJSON { Terminal.error("stopping\n") }
        while ContinuousClock.now < deadline {
            do throws(AdminClient.Failure) {
                _ = try AdminClient(path: socket, deadline: deadline).send("GET", "/healthz")
            } catch {
                if case .notReachable = error {
                    if !invocation.isJSON { Terminal.out("stopped\n") }
                    return .done
                }
            }
            poll(nil, 0, 50)
        }
        return fail("it is still draining after --timeout", hint: "`sluice status` shows what is left", .timedOut)
    }

    // MARK: - Private

    /// The same client with the deadline counted anew: one look of several.
    private init(_ other: Client) {
        invocation = other.invocation
        socket = other.socket
        deadline = .now + other.invocation.timeout
    }

    private func exchange(_ method: String, _ target: String, body: String = "", _ show: ([UInt8]) -> ExitCode) -> ExitCode {
        do throws(AdminClient.Failure) {
            let reply = try AdminClient(path: socket, deadline: deadline).send(method, target, body: body)
            if invocation.isJSON { Terminal.out(String(decoding: reply.body, as: UTF8.self)) }
            guard (200..<300).contains(reply.status) else { return refused(reply) }
            return invocation.isJSON ? .done : show(reply.body)
        } catch {
            switch error {
            case .notReachable(let reason):
                return fail(
                    "no proxy answers at \(socket): \(reason)", hint: "is it running? name its socket with --socket or -c", .notReachable)
            case .timedOut: return fail("no answer in time", hint: "give it longer with --timeout", .timedOut)
            case .malformed: return malformed()
            }
        }
    }

    private func refused(_ reply: AdminClient.Reply) -> ExitCode {
        guard let problem = decode(ProblemView.self, reply.body) else { return malformed() }
        for diagnostic in problem.diagnostics ?? [] { Terminal.error(diagnostic.text + "\n") }
        return fail("\(problem.title): \(problem.detail)", hint: problem.hint, Self.exitCode(status: reply.status))
    }

    /// What a status means to a script.
    static func exitCode(status: Int) -> ExitCode {
        switch status {
        case 404: .notFound
        case 409, 412: .conflict
        case 422: .invalidConfiguration
        case 408, 504: .timedOut
        default: .internalError
        }
    }

    private func malformed() -> ExitCode {
        fail("the answer at \(socket) was not understood", hint: "is it a sluice of this version?", .internalError)
    }

    private func fail(_ message: String, hint: String?, _ code: ExitCode) -> ExitCode {
        Terminal.error("sluice: \(message)\(hint.map { " (\($0))" } ?? "")\n")
        return code
    }

    private func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(type, from: Data(body))
    }

    /// A service's name in a path; what is not plain is percent-encoded, so that it cannot become another request.
    static func escaped(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain = byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber)
            if isPlain || byte == 0x2D || byte == 0x2E || byte == 0x5F { return String(UnicodeScalar(byte)) }
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }
}

private struct ReloadReply: Decodable {
    var epoch: UInt64
    var changed: Bool
    var diff: [String]
    var warnings: [DiagnosticView]
}

private struct ProblemView: Decodable {
    var title: String
    var detail: String
    var hint: String?
    var diagnostics: [DiagnosticView]?
}

private struct DiagnosticView: Decodable {
    var text: String
}
