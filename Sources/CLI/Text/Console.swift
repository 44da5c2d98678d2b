internal import Glibc

/// Where words go: results to standard output, everything else to standard error. Whole texts, unbuffered.
package enum Terminal {
    package static func out(_ text: String) { write(text, to: 1) }
    package static func error(_ text: String) { write(text, to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}

/// The two streams of one command, and whether a person looks at them.
package struct Console: Sendable {
    var out: @Sendable (String) -> Void
    var error: @Sendable (String) -> Void
    /// Standard output is a terminal.
    var isInteractive = false
    /// Colour on standard output.
    var paint = Paint(isOn: false)
    /// Colour on standard error.
    var errorPaint = Paint(isOn: false)

    /// The process's own. NO_COLOR, whatever its value, wins over a terminal (no-color.org).
    package static func terminal(environment: [String: String]) -> Console {
        let mayPaint = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        return Console(
            out: Terminal.out, error: Terminal.error, isInteractive: isatty(1) == 1, paint: Paint(isOn: mayPaint && isatty(1) == 1),
            errorPaint: Paint(isOn: mayPaint && isatty(2) == 1))
    }
}

/// Colour, where there may be any.
struct Paint: Sendable {
    enum Tone: String, Sendable {
        case bold = "1"
        case good = "32"
        case warning = "33"
        case bad = "31"
    }

    var isOn: Bool

    func callAsFunction(_ text: String, _ tone: Tone?) -> String {
        guard isOn, let tone, !text.isEmpty else { return text }
        return "\u{1B}[\(tone.rawValue)m\(text)\u{1B}[0m"
    }
}
