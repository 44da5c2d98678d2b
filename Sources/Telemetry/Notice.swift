package import Net
internal import Synchronization

/// Something that may befall any connection and that operators should hear of: one line a second at most, whatever happens, all loops
/// together. Any thread may call it.
package final class Notice: Sendable {
    private static let pause = TimeSpan.milliseconds(1000)

    private let report: @Sendable (String) -> Void
    private let quietUntil = Atomic<Int64>(.min)
    private let silenced = Atomic<Int>(0)

    /// - Parameter report: gets the line (no newline). Called on a loop's thread: it must not block.
    package init(report: @escaping @Sendable (String) -> Void = { _ in }) { self.report = report }

    /// - Parameter line: asked for only when it is told; how many were not told before it is added.
    package func tell(at now: Instant, _ line: () -> String) {
        let until = quietUntil.load(ordering: .relaxed)
        let next = (now + Self.pause).nanoseconds
        guard now.nanoseconds >= until,
            quietUntil.compareExchange(expected: until, desired: next, ordering: .relaxed).exchanged
        else {
            silenced.wrappingAdd(1, ordering: .relaxed)
            return
        }
        let passed = silenced.exchange(0, ordering: .relaxed)
        report(passed == 0 ? line() : "\(line()); \(passed) more since the line before")
    }
}
