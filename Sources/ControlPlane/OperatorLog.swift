internal import Glibc

/// Lines for the person who runs the proxy: one event, one line, one write. Any thread may call it.
package struct OperatorLog: Sendable {
    package enum Level: String, Sendable { case info, warn, error }

    private let descriptor: Int32

    /// - Parameter descriptor: standard error in production; a test hands in its own. Not closed by this type.
    package init(descriptor: Int32 = 2) { self.descriptor = descriptor }

    package func info(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) { write(.info, message, fields) }
    package func warn(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) { write(.warn, message, fields) }
    package func error(_ message: String, _ fields: KeyValuePairs<String, String> = [:]) { write(.error, message, fields) }

    // MARK: - Private

    private func write(_ level: Level, _ message: String, _ fields: KeyValuePairs<String, String>) {
        var line = "\(WallClock.now().rfc3339) \(level.rawValue) \(message)"
        for (key, value) in fields { line += " \(key)=\(Self.quoted(value))" }
        line += "\n"
        line.withUTF8 { bytes in
            // A log that cannot be written is no reason to stop serving, so the result is of no use to anybody.
            _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
    }

    /// Bare when it is a plain word; otherwise quoted, with control bytes escaped, so that a line stays a line.
    static func quoted(_ value: String) -> String {
        let isPlain =
            !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "=") }
        if isPlain { return value }
        var text = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"", "\\": text += "\\\(scalar)"
            case "\n": text += "\\n"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: text += "?"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}
