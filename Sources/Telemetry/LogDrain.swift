internal import Glibc

/// The writer's thread: takes blocks and writes them, whole lines only. Confined to that thread.
struct LogDrain {
    /// `write(2)`; replaced in tests.
    typealias Write = @Sendable (Int32, UnsafeRawBufferPointer) -> Result<Int, LogErrno>
    struct LogErrno: Error, Equatable { var code: Int32 }

    private let queue: LogQueue
    private let write: Write
    private let report: @Sendable (String) -> Void
    private var file: LogFile?
    /// The rest of a line whose beginning is in the file already: it goes there before anything else, so that no line is torn.
    private var carry: [UInt8] = []
    private var trouble = LogTrouble()

    init(queue: LogQueue, write: @escaping Write = LogDrain.systemWrite, report: @escaping @Sendable (String) -> Void) {
        self.queue = queue
        self.write = write
        self.report = report
    }

    /// Returns when the queue was closed and is empty.
    mutating func run() {
        while true {
            switch queue.next() {
            case .file(let next): use(next)
            case .block(let block):
                put(block)
                queue.giveBack(block)
            case .none: queue.work.wait()
            case .end:
                file?.close()
                return
            }
        }
    }

    // MARK: - Private

    private mutating func use(_ next: LogFile) {
        if let old = file {
            if !carry.isEmpty { _ = putCarry(old) }
            if !carry.isEmpty { queue.drop(lines: 1) }
            old.close()
        }
        carry.removeAll(keepingCapacity: true)
        file = next
    }

    private mutating func put(_ block: LogBlock) {
        guard let file else {
            queue.drop(lines: block.lines)
            return
        }
        guard carry.isEmpty || putCarry(file) else {
            queue.drop(lines: block.lines)
            return
        }
        let (written, failure) = putAll(block.bytes, file)
        if let failure {
            let rest = UnsafeRawBufferPointer(rebasing: block.bytes[written...])
            keepTornLine(of: block, from: written)
            let lost = rest.count { $0 == UInt8(ascii: "\n") } - (carry.isEmpty ? 0 : 1)
            queue.drop(lines: lost)
            tell(trouble.failed(path: file.path, code: failure.code, dropped: queue.droppedLines, now: LogDrain.now()))
        } else {
            tell(trouble.succeeded(path: file.path, dropped: queue.droppedLines, now: LogDrain.now()))
        }
    }

    private mutating func keepTornLine(of block: LogBlock, from written: Int) {
        let bytes = block.bytes
        guard written > 0, bytes[written - 1] != UInt8(ascii: "\n") else { return }
        let end = bytes[written...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count - 1
        carry.append(contentsOf: bytes[written...end])
    }

    /// True when nothing is left of it.
    private mutating func putCarry(_ file: LogFile) -> Bool {
        let (written, failure) = carry.withUnsafeBytes { putAll($0, file) }
        carry.removeFirst(written)
        if let failure {
            tell(trouble.failed(path: file.path, code: failure.code, dropped: queue.droppedLines, now: LogDrain.now()))
        }
        return failure == nil
    }

    private func putAll(_ bytes: UnsafeRawBufferPointer, _ file: LogFile) -> (written: Int, failure: LogErrno?) {
        var written = 0
        while written < bytes.count {
            switch write(file.descriptor, UnsafeRawBufferPointer(rebasing: bytes[written...])) {
            case .success(let count): written += count
            case .failure(let error) where error.code == EINTR: continue
            case .failure(let error) where error.code == EAGAIN: LogDrain.waitWritable(file.descriptor)
            case .failure(let error): return (written, error)
            }
        }
        return (written, nil)
    }

    private func tell(_ message: String?) {
        if let message { report(message) }
    }

    /// A pipe that is full: wait for its reader. Only this thread waits; the queue's bound protects the loops.
    private static func waitWritable(_ descriptor: Int32) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = Glibc.poll(&poll, 1, 1000)
    }

    @Sendable private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Result<Int, LogErrno> {
        let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        return count >= 0 ? .success(count) : .failure(LogErrno(code: errno))
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }
}
