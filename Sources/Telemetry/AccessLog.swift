package enum LogFormat: UInt8, Sendable { case off = 0, json, combined }

/// A loop's end of the access log: encodes records into a buffer of its own and hands full buffers (or old ones: `flush`) to the `LogWriter`.
/// Confined to its loop; no allocation per record in the steady state.
package final class AccessLog {
    package var format = LogFormat.off
    package init(writer: LogWriter) {}
    package func append(_ record: borrowing AccessRecord) {}
    /// Called by the loop's once-a-second tick and at its end.
    package func flush() {}
}

/// Writes log buffers on a thread of its own, never on a loop. The queue is bounded: when the disk stalls, lines are dropped and counted, traffic is not held.
package final class LogWriter: Sendable {
    package init() {}
    /// Opens (appending, 0640) or re-opens the file; "-" = standard output. Throws a readable error; the former file stays in use then.
    package func open(path: String) throws(LogError) {}
    /// USR1: opens the same path again.
    package func reopen() throws(LogError) {}
    /// Lines dropped since start because the queue was full or the write failed.
    package var droppedLines: UInt64 { 0 }
    /// Writes what is queued, then ends the thread.
    package func close() {}
}

package struct LogError: Error, Sendable {
    package var message: String
    package init(message: String) { self.message = message }
}
