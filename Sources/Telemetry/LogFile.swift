internal import Glibc

/// An open log: a file in append mode, or standard output, which is never closed. A value; whoever takes it last closes it.
struct LogFile: Sendable, Equatable {
    let descriptor: Int32
    let path: String
    private var isStandardOutput: Bool { path == LogFile.standardOutput }

    static let standardOutput = "-"

    init(path: String) throws(LogError) {
        self.path = path
        if path == LogFile.standardOutput {
            descriptor = STDOUT_FILENO
            return
        }
        // O_NONBLOCK: a FIFO without a reader is an error here (ENXIO), not a wait. It means nothing to regular files.
        descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o640)
        if descriptor < 0 {
            let code = errno
            throw LogError(message: "cannot open access log \(path): \(String(cString: strerror(code)))")
        }
    }

    /// For tests of the writer.
    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    func close() {
        if !isStandardOutput { _ = Glibc.close(descriptor) }
    }
}
