/// One thing that is wrong, or odd, in a configuration file, and where.
package struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    package enum Severity: String, Sendable {
        case error
        case warning
    }

    package var severity: Severity
    /// The file as the caller named it.
    package var file: String
    /// 1-based.
    package var line: Int
    /// 1-based, in characters (Unicode scalars), not bytes.
    package var column: Int
    package var message: String
    /// What to write instead, where we can tell.
    package var hint: String?

    package init(severity: Severity, file: String, line: Int, column: Int, message: String, hint: String? = nil) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }

    /// `file:line:col: error: message; hint: …`: the form that editors and CI systems recognise.
    package var description: String {
        let head = "\(file):\(line):\(column): \(severity.rawValue): \(message)"
        guard let hint else { return head }
        return head + "; hint: \(hint)"
    }
}

/// A place in the file; both numbers 1-based, columns in characters.
struct Place: Equatable {
    var line: Int
    var column: Int

    static let start = Place(line: 1, column: 1)
}

/// A value and where it was written.
struct Located<Value> {
    var value: Value
    var place: Place
}

/// The operator's text inside a message: in backticks, short, without control characters (messages go to terminals and logs).
func quoted(_ text: String) -> String {
    var shown = ""
    var length = 0
    for scalar in text.unicodeScalars {
        guard length < 60 else { return "`\(shown)…`" }
        length += 1
        if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
            shown += "\\u{\(String(scalar.value, radix: 16))}"
        } else {
            shown.unicodeScalars.append(scalar)
        }
    }
    return "`\(shown)`"
}
