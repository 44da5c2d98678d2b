internal import Config
/// `sluice check`: reads and validates, touches nothing else.
package enum Check {
    /// One line each, ready to print.
    package enum Result: Sendable, Equatable {
        case ok(warnings: [String])
        case invalid([String])
    }

    package static func run(path: String, environment: [String: String]) -> Result {
        switch LoadedConfiguration.load(path: path, environment: environment) {
        case .valid(_, let warnings): .ok(warnings: warnings.map(\.text))
        case .invalid(let diagnostics): .invalid(diagnostics.map(\.text))
        }
    }

    /// Where the proxy of this configuration listens for commands; nil when the file is not valid.
    package static func adminSocket(path: String, environment: [String: String]) -> String? {
        guard case .valid(let configuration, _) = LoadedConfiguration.load(path: path, environment: environment) else { return nil }
        return configuration.admin.socket
    }
}
