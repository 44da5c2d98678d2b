internal import Config

/// `sluice check`: reads and validates, touches nothing else.
package enum Check {
    /// What a reading found.
    package struct Result: Sendable, Equatable {
        package var isValid: Bool
        /// In file order; of a valid file, warnings.
        package var diagnostics: [DiagnosticReport]

        /// One for each, ready to print.
        package var lines: [String] { diagnostics.map(\.text) }
        /// The diagnostics as a JSON array.
        package var json: String { String(decoding: AdminResponse.json(diagnostics).body, as: UTF8.self) }
    }

    package static func run(path: String, environment: [String: String]) -> Result {
        switch LoadedConfiguration.load(path: path, environment: environment) {
        case .valid(_, let warnings): Result(isValid: true, diagnostics: warnings)
        case .invalid(let diagnostics): Result(isValid: false, diagnostics: diagnostics)
        }
    }

    /// Where the proxy of this configuration listens for commands; nil when the file is not valid.
    package static func adminSocket(path: String, environment: [String: String]) -> String? {
        guard case .valid(let configuration, _) = LoadedConfiguration.load(path: path, environment: environment) else { return nil }
        return configuration.admin.socket
    }
}
