internal import Config
internal import TLS

/// `sluice check`: reads and validates, key files included; touches nothing else.
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
        case .valid(let configuration, let warnings): run(configuration, warnings, path: path)
        case .invalid(let diagnostics): Result(isValid: false, diagnostics: diagnostics)
        }
    }

    private static func run(_ configuration: Configuration, _ warnings: [DiagnosticReport], path: String) -> Result {
        TLSLibrary.start()
        let keys = KeyReading(configuration, after: KeyShelf(), .whole)
        let remarks = warnings + keys.shelf.warnings(configuration).map { DiagnosticReport(warning: $0, in: path) }
        guard keys.problems.isEmpty else {
            return Result(isValid: false, diagnostics: remarks + keys.problems.map { DiagnosticReport($0, in: path) })
        }
        return Result(isValid: true, diagnostics: remarks + differences(configuration, path: path))
    }

    /// Where a reload of this file would keep what commands switched (DESIGN §3). Silent when there is no journal, or none that may be read: a check
    /// is often made on another machine.
    private static func differences(_ configuration: Configuration, path: String) -> [DiagnosticReport] {
        guard let release = Journal.peek(directory: configuration.stateDirectory) else { return [] }
        return ReleaseDifference.all(configuration, release).map { text in
            DiagnosticReport(severity: "note", file: path, line: 0, column: 0, message: text, hint: nil, text: "\(path): note: \(text)")
        }
    }

    /// Where the proxy of this configuration listens for commands; nil when the file is not valid.
    package static func adminSocket(path: String, environment: [String: String]) -> String? {
        guard case .valid(let configuration, _) = LoadedConfiguration.load(path: path, environment: environment) else { return nil }
        return configuration.admin.socket
    }
}
