internal import Glibc

/// What tells, without reading it, that a file is another one than before: a write moves its times, a rename or a symlink's swap its inode.
struct FileStamp: Equatable, Sendable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let modified: Moment
    /// Of the inode: moved by chmod, too.
    private let changed: Moment

    private struct Moment: Equatable {
        var seconds: Int
        var nanoseconds: Int
        init(_ time: timespec) { (seconds, nanoseconds) = (time.tv_sec, time.tv_nsec) }
    }

    /// Follows symlinks; nil when there is no such file. Blocks on the file system.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        modified = Moment(status.st_mtim)
        changed = Moment(status.st_ctim)
    }

    /// Times of files have the kernel's tick for grain, and not every file system keeps finer ones than seconds: two writes in a short time may leave
    /// the same stamp.
    /// - Parameter now: seconds since 1970.
    func isOld(at now: Int64) -> Bool { max(Int64(modified.seconds), Int64(changed.seconds)) + 2 < now }
}
