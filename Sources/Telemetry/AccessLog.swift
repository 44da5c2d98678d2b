package enum LogFormat: UInt8, Sendable { case off = 0, json, combined }

/// A loop's end of the access log: encodes records into a block of its own and hands full blocks (or old ones: `flush`) to the `LogWriter`.
/// Confined to its loop; no allocation per record in the steady state.
package final class AccessLog {
    package var format = LogFormat.off

    private let writer: LogWriter
    private var block: LogBlock?
    /// The free part of `block`; nil without one.
    private var cursor: UnsafeMutablePointer<UInt8>?
    private var room = 0
    private var lines = 0
    private var time = LineTime()

    package init(writer: LogWriter) {
        precondition(LineRoom.line <= LogBlock.capacity, "the longest line must fit a block")
        self.writer = writer
        writer.addLoop()
    }

    deinit { handOver(isFull: true) }

    /// Encodes one line. Its bytes are copied; nothing of `record` is kept. Dropped and counted when the writer is too far behind.
    package func append(_ record: borrowing AccessRecord) {
        guard format != .off else { return }
        let needed = LineRoom.needed(for: record)
        if room < needed && !renew() {
            writer.drop(lines: 1)
            return
        }
        guard let start = cursor else { return }
        let milliseconds = time.set(record.wallClock)
        var line = LineWriter(at: start)
        switch format {
        case .json: line.jsonLine(record, second: time.json, milliseconds: milliseconds)
        case .combined: line.combinedLine(record, second: time.combined)
        case .off: return
        }
        let written = line.cursor - start
        precondition(written <= needed, "a log line outgrew its room")
        cursor = line.cursor
        room &-= written
        lines &+= 1
    }

    /// Called by the loop's once-a-second tick and at its end. While the writer is far behind, lines stay until the block is full.
    package func flush() { handOver(isFull: false) }

    // MARK: - Private

    /// Passes the block on and takes an empty one.
    @inline(never)
    private func renew() -> Bool {
        handOver(isFull: true)
        guard let fresh = writer.takeBlock() else { return false }
        block = fresh
        cursor = fresh.start
        room = LogBlock.capacity
        return true
    }

    private func handOver(isFull: Bool) {
        guard let block, lines > 0 else { return }
        block.count = LogBlock.capacity - room
        block.lines = lines
        guard writer.submit(block, isFull: isFull) else { return }
        self.block = nil
        cursor = nil
        room = 0
        lines = 0
    }
}
