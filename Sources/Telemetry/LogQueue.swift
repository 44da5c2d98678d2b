internal import Synchronization

/// Where loops and the writer meet: a bounded supply of blocks, the filled ones in order, and orders to the writer.
/// Every verb holds the lock for a few moves of a pointer.
final class LogQueue: Sendable {
    /// What the writer does next.
    enum Work {
        /// A file to write to from now on; the writer closes the former.
        case file(LogFile)
        case block(LogBlock)
        /// Nothing left and no more will come.
        case end
        case none
    }

    private struct State {
        /// A ring: `count` filled blocks from `head` on.
        var ring: [LogBlock?]
        /// Blocks that may exist; as many places has the ring.
        var limit: Int
        var head = 0
        var count = 0
        var spare: [LogBlock] = []
        /// Blocks that exist: with loops, filled, being written, spare.
        var existing = 0
        var file: LogFile?
        var closing = false
    }

    /// Blocks kept for reuse; what a burst needed beyond that goes back to the system.
    private static let spareLimit = 8

    private let state: Mutex<State>
    private let dropped = Atomic<UInt64>(0)
    let work = LogSignal()

    init(limit: Int) {
        var state = State(ring: Array(repeating: nil, count: limit), limit: limit)
        state.spare.reserveCapacity(LogQueue.spareLimit)
        self.state = Mutex(state)
    }

    var droppedLines: UInt64 { dropped.load(ordering: .relaxed) }
    func drop(lines: Int) { dropped.wrappingAdd(UInt64(lines), ordering: .relaxed) }

    /// Blocks that exist now; never more than the limit.
    var blocks: Int { state.withLock { $0.existing } }

    // MARK: - The loops' side

    /// One more loop: its own block is beside those that may be queued.
    func addLoop() {
        state.withLock { state in
            let queued = (0..<state.count).map { state.ring[(state.head + $0) % state.limit] }
            state.limit += 1
            state.ring = queued + Array(repeating: nil, count: state.limit - queued.count)
            state.head = 0
        }
    }

    /// An empty block, or nil when all are in use.
    func take() -> LogBlock? {
        let (reused, mayMake) = state.withLock { state -> (LogBlock?, Bool) in
            guard !state.closing else { return (nil, false) }
            if let block = state.spare.popLast() { return (block, false) }
            guard state.existing < state.limit else { return (nil, false) }
            state.existing += 1
            return (nil, true)
        }
        return mayMake ? LogBlock() : reused
    }

    /// Hands a block with lines to the writer.
    /// - Parameter isFull: a block that is not full is refused (false; the caller goes on filling it) while the writer is far behind, so
    ///   that a stalled disk is met with full blocks.
    func submit(_ block: LogBlock, isFull: Bool) -> Bool {
        let accepted = state.withLock { state -> Bool in
            guard isFull || state.count < state.limit / 2 else { return false }
            precondition(state.count < state.limit, "more blocks are queued than exist")
            state.ring[(state.head + state.count) % state.limit] = block
            state.count += 1
            return true
        }
        if accepted { work.raise() }
        return accepted
    }

    // MARK: - The control plane's side

    /// Returns a file that the writer has not yet taken; the caller closes it.
    func use(_ file: LogFile?) -> LogFile? {
        let replaced = state.withLock { state -> LogFile? in
            let old = state.file
            state.file = file
            return old
        }
        work.raise()
        return replaced
    }

    /// No block is given out any more; the writer ends when it has written what is queued.
    func close() {
        state.withLock { $0.closing = true }
        work.raise()
    }

    // MARK: - The writer's side

    func next() -> Work {
        state.withLock { state in
            if let file = state.file {
                state.file = nil
                return .file(file)
            }
            guard state.count > 0, let block = state.ring[state.head] else { return state.closing ? .end : .none }
            state.ring[state.head] = nil
            state.head = (state.head + 1) % state.limit
            state.count -= 1
            return .block(block)
        }
    }

    func giveBack(_ block: LogBlock) {
        block.count = 0
        block.lines = 0
        state.withLock { state in
            if state.spare.count < LogQueue.spareLimit {
                state.spare.append(block)
            } else {
                state.existing -= 1
            }
        }
    }
}
