internal import Glibc

/// The folder that one running proxy owns: created if missing, writable, locked for as long as this object lives.
package final class StateDirectory: Sendable {
    package enum Refusal: Error, Equatable, Sendable {
        /// Another process holds the lock; `pid` as it wrote it, nil when unreadable.
        case locked(path: String, pid: Int32?)
        case unusable(path: String, reason: String)
    }

    package let path: String
    private let lock: Int32

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
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusable(path: path, reason: String(cString: strerror(errno))) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let pid = Self.pid(in: descriptor)
            close(descriptor)
            throw .locked(path: path, pid: pid)
        }
        let pid = "\(getpid())\n"
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, pid, pid.utf8.count, 0) == pid.utf8.count else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw .unusable(path: path, reason: reason)
        }
        lock = descriptor
    }

    /// The file stays (removing it would let two processes lock two files of one name); the lock goes with the descriptor.
    deinit { close(lock) }

    // MARK: - Private

    private static func pid(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: bytes.prefix(count).prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self))
    }
}
