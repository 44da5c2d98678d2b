internal import Synchronization

/// What the proxy is doing for its clients, readable from any thread (`/readyz` must answer while a command runs).
package final class ServingState: Sendable {
    package enum Phase: String, Sendable, Encodable {
        case starting, serving
        /// Still accepting and serving, but a load balancer in front should go elsewhere.
        case lameDuck = "lame-duck"
        /// No longer accepting; what is in flight finishes.
        case draining
    }

    private let phase = Mutex(Phase.starting)
    package init() {}
    package var current: Phase { phase.withLock { $0 } }
    package func enter(_ next: Phase) { phase.withLock { $0 = next } }
}
