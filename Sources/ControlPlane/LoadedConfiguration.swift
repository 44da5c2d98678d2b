internal import Config

/// A configuration file as it was read, in the control plane's words.
enum LoadedConfiguration {
    case valid(Configuration, warnings: [DiagnosticReport])
    case invalid([DiagnosticReport])

    static func load(path: String, environment: [String: String]) -> LoadedConfiguration {
        switch ConfigurationFile.load(path: path, environment: environment) {
        case .valid(let configuration, let warnings): .valid(configuration, warnings: warnings.map(DiagnosticReport.init))
        case .invalid(let diagnostics): .invalid(diagnostics.map(DiagnosticReport.init))
        }
    }
}

extension LoadedConfiguration {
    /// What stands in `admin.token_file`; nil where there is none, or no configuration that could name one.
    func token() throws(AdminToken.Refusal) -> AdminToken.Loaded? {
        guard case .valid(let configuration, _) = self else { return nil }
        return try AdminToken.load(configuration.admin.tokenFile)
    }
}

extension DiagnosticReport {
    init(_ diagnostic: Diagnostic) {
        self.init(
            severity: diagnostic.severity.rawValue, file: diagnostic.file, line: diagnostic.line, column: diagnostic.column,
            message: diagnostic.message, hint: diagnostic.hint, text: diagnostic.description)
    }
}
