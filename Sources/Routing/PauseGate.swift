package import Net
package import Policy

/// A service whose snapshot has one of these starts nothing new: its exchanges are held, so many of them, so many bytes, each for so long.
package struct PauseGate: Sendable, Equatable {
    /// How long one exchange may be held.
    package let maxWait: TimeSpan
    /// Exchanges held at once, all loops together.
    package let requests: Int
    /// Bytes of heads and early bodies held at once, all loops together.
    package let bytes: Int

    package init(maxWait: TimeSpan, requests: Int, bytes: Int) {
        self.maxWait = maxWait
        self.requests = requests
        self.bytes = bytes
    }

    package init(_ order: PauseOrder) {
        let (span, overflow) = Int64(clamping: max(0, order.maxWaitMilliseconds)).multipliedReportingOverflow(by: 1_000_000)
        self.init(maxWait: TimeSpan(nanoseconds: overflow ? .max : span), requests: order.requests, bytes: order.bytes)
    }
}
