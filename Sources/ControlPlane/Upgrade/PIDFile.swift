internal import Glibc

/// `--pid-file`: names the process that serves. After an upgrade that is the new one.
struct PIDFile: Sendable {
    let path: String

    /// Whole or not at all: beside it first, then in its place.
    func write() -> String? {
        let temporary = "\(path).\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        let text = "\(getpid())\n"
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count, rename(temporary, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            return reason
        }
        return nil
    }

    /// Unless it names another process by now.
    func remove() {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &bytes, bytes.count)
        if count > 0, String(decoding: bytes.prefix(count), as: UTF8.self) == "\(getpid())\n" { unlink(path) }
    }
}
