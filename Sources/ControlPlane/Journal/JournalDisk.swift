internal import Glibc

/// The few file operations that the journal stands on, as values: so that a test can let each of them fail, or be the last one before a crash.
/// Each answers a number from 0 on, or minus errno.
struct JournalDisk: Sendable {
    /// Path, flags; mode 0600.
    var open: @Sendable (String, Int32) -> Int
    /// The whole file. Refuses what is not a regular file.
    var read: @Sendable (Int32) -> Result
    /// Bytes, at this place of the file. Fewer than asked for is an answer.
    var write: @Sendable (Int32, [UInt8], Int) -> Int
    var truncate: @Sendable (Int32, Int) -> Int
    /// Contents and size are on disk after it.
    var sync: @Sendable (Int32) -> Int
    var rename: @Sendable (String, String) -> Int
    /// Names in that folder are on disk after it.
    var syncFolder: @Sendable (String) -> Int
    var remove: @Sendable (String) -> Int
    /// 1 when the descriptor's file still stands under that path.
    var stands: @Sendable (Int32, String) -> Int

    enum Result: Sendable {
        case bytes([UInt8])
        case failure(String)
    }

    /// Far beyond what compaction lets a journal grow to.
    static let longestFile = 256 * 1024 * 1024

    static let system = JournalDisk(
        open: { path, flags in answer(Int(Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600))) },
        read: { contents(of: $0) },
        write: { descriptor, bytes, offset in answer(bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset)) })
        },
        truncate: { descriptor, length in answer(Int(ftruncate(descriptor, off_t(length)))) },
        sync: { answer(Int(fdatasync($0))) },
        rename: { from, to in answer(Int(Glibc.rename(from, to))) },
        syncFolder: { path in
            let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { return answer(-1) }
            defer { close(descriptor) }
            return answer(Int(fsync(descriptor)))
        },
        remove: { answer(Int(unlink($0))) },
        stands: { descriptor, path in
            var own = stat()
            var named = stat()
            guard fstat(descriptor, &own) == 0, stat(path, &named) == 0 else { return 0 }
            return own.st_ino == named.st_ino && own.st_dev == named.st_dev ? 1 : 0
        })

    /// What an answer below zero means.
    static func reason(_ answer: Int) -> String { String(cString: strerror(Int32(clamping: -answer))) }

    // MARK: - Private

    private static func answer(_ result: Int) -> Int { result < 0 ? -Int(errno) : result }

    private static func contents(of descriptor: Int32) -> Result {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(reason(-Int(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { return .failure("not a regular file") }
        guard status.st_size <= longestFile else { return .failure("\(status.st_size) bytes are more than a journal can have") }
        var failure: String?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(1, Int(status.st_size))) { room, filled in
            while filled < Int(status.st_size) {
                let count = pread(descriptor, room.baseAddress?.advanced(by: filled), Int(status.st_size) - filled, off_t(filled))
                if count < 0 && errno == EINTR { continue }
                if count < 0 { failure = reason(-Int(errno)) }
                if count <= 0 { return }
                filled += count
            }
        }
        return failure.map { .failure($0) } ?? .bytes(bytes)
    }
}
