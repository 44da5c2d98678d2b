/// Collects what one reading of one file finds, so that the operator sees all of it at once. Used by a single reading, on its thread.
final class Findings {
    private let file: String
    private var errors: [Diagnostic] = []
    private var warnings: [Diagnostic] = []
    /// Also of those beyond the bound, which are counted and not kept.
    private(set) var errorCount = 0
    private var warningCount = 0

    init(file: String) {
        self.file = file
    }

    var hasErrors: Bool { errorCount > 0 }

    /// - Parameter hint: not evaluated when the error is beyond the bound.
    func error(_ message: String, at place: Place, hint: @autoclosure () -> String? = nil) {
        errorCount += 1
        guard errors.count < Defaults.Bounds.diagnostics else { return }
        errors.append(diagnostic(.error, message, at: place, hint: hint()))
    }

    func warning(_ message: String, at place: Place, hint: @autoclosure () -> String? = nil) {
        warningCount += 1
        guard warnings.count < Defaults.Bounds.diagnostics else { return }
        warnings.append(diagnostic(.warning, message, at: place, hint: hint()))
    }

    /// Everything found, in file order, and how much was left out.
    var inFileOrder: [Diagnostic] {
        // `sort` is not documented as stable, so the order of discovery is the last criterion.
        var sorted = (errors + warnings).enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
        let hidden = errorCount + warningCount - sorted.count
        if hidden > 0, let last = sorted.last {
            let place = Place(line: last.line, column: last.column)
            sorted.append(diagnostic(hasErrors ? .error : .warning, "\(hidden) more, not shown", at: place, hint: nil))
        }
        return sorted
    }

    // MARK: - Private

    private func diagnostic(_ severity: Diagnostic.Severity, _ message: String, at place: Place, hint: String?) -> Diagnostic {
        Diagnostic(severity: severity, file: file, line: place.line, column: place.column, message: message, hint: hint)
    }
}
