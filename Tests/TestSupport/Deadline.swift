internal import Glibc
internal import Synchronization

/// A point in time by which something must have happened. Every wait of the tests has one.
package struct Deadline: Sendable {
    private let instant: ContinuousClock.Instant

    package init(in patience: Duration) { self.instant = ContinuousClock.now.advanced(by: patience) }

    package var hasPassed: Bool { ContinuousClock.now >= instant }

    /// What is left, for `poll(2)`: rounded up, 0 once passed.
    package var milliseconds: Int32 {
        let left = ContinuousClock.now.duration(to: instant)
        guard left > .zero else { return 0 }
        return Int32(clamping: left / .milliseconds(1)).addingReportingOverflow(1).partialValue
    }
}

extension Duration {
    fileprivate static func / (duration: Duration, unit: Duration) -> Int64 { Int64((duration / unit) as Double) }
}

/// True as soon as `holds` says so; false when it still does not at the deadline. Looks every two milliseconds.
package func eventually(within patience: Duration = .seconds(10), _ holds: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline(in: patience)
    while true {
        if try holds() { return true }
        if deadline.hasPassed { return false }
        usleep(2000)
    }
}

/// True when `holds` never failed for the whole of `span`: for "nothing more happens".
package func throughout(_ span: Duration, _ holds: () throws -> Bool) rethrows -> Bool {
    try !eventually(within: span) { try !holds() }
}

/// Runs `body` on a thread of its own, so that a test may block without taking a place in the runner's pool.
package func onOwnThread(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
        &thread, &attributes,
        { raw in
            guard let raw else { return nil }
            Unmanaged<Box>.fromOpaque(raw).takeRetainedValue().body()
            return nil
        }, box.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(code == 0, "no thread for a test: \(code)")
}

/// A number that threads of a test share.
package final class Count: Sendable {
    private let number = Mutex(0)
    package init() {}
    package var value: Int { number.withLock { $0 } }
    package func add(_ more: Int) { number.withLock { $0 += more } }
}

/// A door that one side opens and the other waits for.
package final class Door: Sendable {
    private let opened = Count()
    package init() {}
    package func open() { opened.add(1) }
    /// False when it stayed shut for 30 seconds.
    @discardableResult package func wait() -> Bool { eventually(within: .seconds(30)) { opened.value > 0 } }
}
