package import Net
internal import Synchronization

/// The same as `Notice` for something that has a name, such as a target: one line a second for each, so that one that fails all the time
/// does not drown the others. For what is rare, or costs a connection anyway: it takes a lock. Any thread may call it.
package final class NamedNotice: Sendable {
    private static let pause = TimeSpan.milliseconds(1000)
    /// Names come and go with configurations; those of long ago are forgotten.
    private static let names = 4096

    private let report: @Sendable (String) -> Void
    private let quietUntil = Mutex<[String: Instant]>([:])

    /// - Parameter report: gets the line (no newline). Called on a loop's thread: it must not block.
    package init(report: @escaping @Sendable (String) -> Void = { _ in }) { self.report = report }

    package func tell(at now: Instant, of name: String, _ line: () -> String) {
        let isDue = quietUntil.withLock { table in
            if let until = table[name], now < until { return false }
            if table.count >= Self.names { table.removeAll() }
            table[name] = now + Self.pause
            return true
        }
        if isDue { report(line()) }
    }
}
