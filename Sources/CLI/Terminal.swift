internal import Glibc

/// Where words go: results to standard output, everything else to standard error. Whole texts, unbuffered.
package enum Terminal {
    package static func out(_ text: String) { write(text, to: 1) }
    package static func error(_ text: String) { write(text, to: 2) }
    package static var isInteractive: Bool { isatty(1) == 1 }

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
