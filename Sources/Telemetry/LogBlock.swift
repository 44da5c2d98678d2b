/// A stretch of memory that holds whole log lines: filled by one loop, written and given back by the writer.
///
/// SAFETY: one thread owns a block at a time; it changes hands only through the lock of `LogQueue`, which orders the accesses.
final class LogBlock: @unchecked Sendable {
    /// Large enough for two hundred usual lines, and for the longest one that `LineWriter` can produce.
    static let capacity = 64 * 1024

    let start: UnsafeMutablePointer<UInt8>
    /// Bytes filled, always up to the end of a line.
    var count = 0
    var lines = 0

    init() { start = .allocate(capacity: LogBlock.capacity) }
    deinit { start.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }
}
