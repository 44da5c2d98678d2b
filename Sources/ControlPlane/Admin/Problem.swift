/// RFC 9457 problem details, with members of our own: why a request was refused, and what the CLI exits with.
struct Problem: Error, Encodable, Sendable {
    /// A target that stood in the way, and why.
    struct TargetReason: Encodable, Sendable, Equatable {
        var target: String
        var reason: String
    }

    /// A name that programs may compare: "urn:sluice:problem:…".
    var type: String
    var title: String
    var status: Int
    var detail: String
    var hint: String?
    /// DESIGN §5.2.
    var exitCode: Int32
    var diagnostics: [DiagnosticReport]?
    /// What a preflight found (exit 6).
    var targets: [TargetReason]?

    /// - Parameter exitCode: nil = what the status means to a script.
    init(
        _ name: String, status: Int, title: String, detail: String, hint: String? = nil, exitCode: Int32? = nil,
        diagnostics: [DiagnosticReport]? = nil, targets: [TargetReason]? = nil
    ) {
        type = "urn:sluice:problem:\(name)"
        self.title = title
        self.status = status
        self.detail = detail
        self.hint = hint
        self.exitCode = exitCode ?? Self.exitCode(of: status)
        self.diagnostics = diagnostics
        self.targets = targets
    }

    static func badRequest(_ detail: String, hint: String? = nil) -> Problem {
        Problem("bad-request", status: 400, title: "Bad request", detail: detail, hint: hint)
    }

    static func notFound(_ detail: String, hint: String? = nil) -> Problem {
        Problem("not-found", status: 404, title: "Not found", detail: detail, hint: hint)
    }

    /// RFC 9110 §13.1.1: the operator decided by a state that is no longer there.
    static func stale(seen: UInt64, live: UInt64) -> Problem {
        Problem(
            "stale-epoch", status: 412, title: "Conflict; nothing changed", detail: "epoch \(live) is live, not \(seen)",
            hint: "look at the state again, then repeat with If-Match: \"\(live)\"")
    }

    // MARK: - Private

    private static func exitCode(of status: Int) -> Int32 {
        switch status {
        case 404: 4
        case 409, 412: 5
        case 408, 504: 8
        case 422: 3
        case 400..<500: 2
        default: 1
        }
    }
}

/// A place in the configuration and what is wrong there.
package struct DiagnosticReport: Encodable, Sendable, Equatable {
    package var severity: String
    package var file: String
    package var line: Int
    package var column: Int
    package var message: String
    package var hint: String?
    /// The whole as one line, as `sluice check` prints it.
    package var text: String
}
