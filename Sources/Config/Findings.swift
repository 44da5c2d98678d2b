/// Collects what one reading of one file finds, so that the operator sees all of it at once. Used by a single reading, on its thread.
final class Findings {
    private let file: String
    private var kept: [Diagnostic] = []
    private var dropped = 0
    private(set) var hasErrors = false

    init(file: String) {
        self.file = file
    }

    func error(_ message: String, at place: Place, hint: String? = nil) {
        hasErrors = true
        keep(.error, message, at: place, hint: hint)
    }

    func warning(_ message: String, at place: Place, hint: String? = nil) {
        keep(.warning, message, at: place, hint: hint)
    }

    /// Everything found, in file order.
    var inFileOrder: [Diagnostic] {
        // `sort` is not documented as stable, so the order of discovery is the last criterion.
        var sorted = kept.enumerated().sorted {
            ($0.element.line, $0.element.column, $0.offset) < ($1.element.line, $1.element.column, $1.offset)
        }.map(\.element)
        if dropped > 0, let last = sorted.last {
            sorted.append(
                Diagnostic(severity: last.severity, file: file, line: last.line, column: last.column, message: "\(dropped) more, not shown")
            )
        }
        return sorted
    }

    // MARK: - Private

    private func keep(_ severity: Diagnostic.Severity, _ message: String, at place: Place, hint: String?) {
        guard kept.count < Defaults.Bounds.diagnostics else {
            dropped += 1
            return
        }
        kept.append(Diagnostic(severity: severity, file: file, line: place.line, column: place.column, message: message, hint: hint))
    }
}
