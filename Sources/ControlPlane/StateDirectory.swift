internal import Glibc

/// The folder that one running proxy owns: created if missing, writable, locked for as long as this object lives.
package final class StateDirectory: Sendable {
    package enum Refusal: Error, Equatable, Sendable {
        /// Another process holds the lock; `pid` as it wrote it, nil when unreadable.
        case locked(path: String, pid: Int32?)
        case unusable(path: String, reason: String)
    }

    package let path: String
    /// Who has it, or another one for the same open file, has the lock.
    let descriptor: Int32

    package init(path: String) throws(Refusal) {
        self.path = path
        if mkdir(path, 0o700) != 0 && errno == ENOENT {
            Folders.makeParents(of: path)
            mkdir(path, 0o700)
        }
        var status = stat()
        guard stat(path, &status) == 0 else { throw .unusable(path: path, reason: String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .unusable(path: path, reason: "not a directory") }
        let file = path + "/lock"
        let lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw .unusable(path: path, reason: String(cString: strerror(errno))) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let pid = Self.pid(in: lock)
            close(lock)
            throw .locked(path: path, pid: pid)
        }
        guard Self.write(getpid(), to: lock) else {
            let reason = String(cString: strerror(errno))
            close(lock)
            throw .unusable(path: path, reason: reason)
        }
        descriptor = lock
    }

    /// The folder of a process that hands over, with its lock.
    init(path: String, adopting descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Puts our name on the lock that was handed over.
    func claim() { _ = Self.write(getpid(), to: descriptor) }

    /// The file stays (removing it would let two processes lock two files of one name); the lock goes with the descriptor.
    deinit { close(descriptor) }

    // MARK: - Private

    private static func write(_ pid: Int32, to descriptor: Int32) -> Bool {
        let text = "\(pid)\n"
        // In this order the first line is a number at every moment.
        return pwrite(descriptor, text, text.utf8.count, 0) == text.utf8.count && ftruncate(descriptor, off_t(text.utf8.count)) == 0
    }

    private static func pid(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}
