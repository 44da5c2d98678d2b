internal import Glibc
internal import Synchronization

/// Writes log blocks on a thread of its own, never on a loop. Memory is bounded: when the disk stalls, lines are dropped and counted,
/// traffic is not held. Any thread may call any verb.
package final class LogWriter: Sendable {
    private enum Phase { case idle, running, closed }
    private struct State {
        var phase = Phase.idle
        var path: String?
    }

    private let state = Mutex(State())
    private let queue: LogQueue
    private let ended = LogSignal()
    private let report: @Sendable (String) -> Void

    /// - Parameters:
    ///   - blocks: 64 KiB blocks that may be queued or under way; each loop has one of its own beside them.
    ///   - report: gets a line for operators (no newline) when the log cannot be written, at most one a minute, and when it can again.
    ///     Called on the writer's thread.
    package init(blocks: Int = 64, report: @escaping @Sendable (String) -> Void = { _ in }) {
        queue = LogQueue(limit: max(blocks, 2))
        self.report = report
    }

    deinit { close() }

    /// Opens (appending, created with 0640) or re-opens the file; "-" = standard output. Returns at once: lines under way still go to the
    /// former file, all later ones to this. Throws a readable error; the former file stays in use then.
    package func open(path: String) throws(LogError) {
        let file = try LogFile(path: path)
        let started = state.withLock { state -> Bool in
            guard state.phase != .closed else { return false }
            // Under the lock, so that of two calls the later one wins; before the thread starts, which would drop what is queued already.
            queue.use(file)?.close()
            if state.phase == .idle {
                guard startThread() else {
                    _ = queue.use(nil)
                    return false
                }
                state.phase = .running
            }
            state.path = path
            return true
        }
        guard started else {
            file.close()
            throw LogError(message: "cannot write access log \(path): the log's thread is not running")
        }
    }

    /// USR1: opens the same path again. Nothing happens when none is open.
    package func reopen() throws(LogError) {
        guard let path = state.withLock({ $0.phase == .running ? $0.path : nil }) else { return }
        try open(path: path)
    }

    /// Lines lost since start because the queue was full or the write failed.
    package var droppedLines: UInt64 { queue.droppedLines }

    /// Writes what is queued, then ends the thread. Loops flush before this. False when `deadline` passed first: a disk that hangs does not
    /// hold the process.
    @discardableResult package func close(within deadline: Duration = .seconds(5)) -> Bool {
        let wasRunning = state.withLock { state -> Bool in
            defer { state.phase = .closed }
            return state.phase == .running
        }
        queue.close()
        return wasRunning ? ended.wait(atMost: deadline) : true
    }

    // MARK: - For AccessLog

    func addLoop() { queue.addLoop() }
    func takeBlock() -> LogBlock? { queue.take() }
    func submit(_ block: LogBlock, isFull: Bool) -> Bool { queue.submit(block, isFull: isFull) }
    func drop(lines: Int) { queue.drop(lines: lines) }
    /// Blocks that exist now: at most as many as `init` allowed, and one for each loop.
    var blocks: Int { queue.blocks }

    // MARK: - Private

    private final class Job {
        var drain: LogDrain
        let ended: LogSignal
        init(drain: LogDrain, ended: LogSignal) {
            self.drain = drain
            self.ended = ended
        }
    }

    private func startThread() -> Bool {
        let job = Unmanaged.passRetained(Job(drain: LogDrain(queue: queue, report: report), ended: ended))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 256 * 1024)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let result = pthread_create(
            &thread, &attributes,
            { argument in
                guard let argument else { return nil }
                // Signals belong to the control plane; a closed pipe is an error of write here, not a death.
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
                job.drain.run()
                job.ended.raise()
                return nil
            }, job.toOpaque())
        if result != 0 { job.release() }
        return result == 0
    }
}
