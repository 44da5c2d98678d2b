package import Net
internal import Synchronization

/// What of a service outlives snapshots: its counts, keyed by the service's name.
package final class ServiceState: Sendable {
    package let name: String
    private let active = Atomic<Int>(0)
    private let queued = Atomic<Int>(0)
    private let held = Atomic<Int>(0)
    private let heldSize = Atomic<Int>(0)
    private let ramp = Atomic<Int64>(defaultRamp.nanoseconds)

    /// Over which what was held is let go, unless a command says otherwise.
    package static let defaultRamp = TimeSpan.milliseconds(500)

    package init(name: String) { self.name = name }

    /// Takes one of `limit` places (0 = no limit); false when all are taken.
    package func admit(limit: Int) -> Bool {
        let before = active.wrappingAdd(1, ordering: .relaxed).oldValue
        if limit > 0 && before >= limit {
            active.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
    package func leave() { active.wrappingSubtract(1, ordering: .relaxed) }
    package var activeCount: Int { active.load(ordering: .relaxed) }

    /// Takes a place in the queue of `limit`; false when it is full.
    package func enqueue(limit: Int) -> Bool {
        let before = queued.wrappingAdd(1, ordering: .relaxed).oldValue
        if before >= limit {
            queued.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
    package func dequeue() { queued.wrappingSubtract(1, ordering: .relaxed) }
    package var queuedCount: Int { queued.load(ordering: .relaxed) }

    // MARK: - Pause

    /// Counts one more exchange, of `bytes`, among those held; false, and nothing counted, when the gate's bounds do not allow it.
    package func hold(bytes: Int, within gate: PauseGate) -> Bool {
        let count = held.wrappingAdd(1, ordering: .relaxed).newValue
        let size = heldSize.wrappingAdd(bytes, ordering: .relaxed).newValue
        if count <= gate.requests && size <= gate.bytes { return true }
        letGo(bytes: bytes)
        return false
    }

    /// One of `bytes` is not held any more.
    package func letGo(bytes: Int) {
        held.wrappingSubtract(1, ordering: .relaxed)
        heldSize.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Exchanges held by a pause now, all loops together.
    package var heldCount: Int { held.load(ordering: .relaxed) }
    /// Their heads and early bodies.
    package var heldBytes: Int { heldSize.load(ordering: .relaxed) }

    /// Over which each loop lets go what it holds, first come first served. Control sets it before it publishes the snapshot without the pause;
    /// zero = at once.
    package var resumeRamp: TimeSpan { TimeSpan(nanoseconds: ramp.load(ordering: .relaxed)) }
    package func setResumeRamp(_ span: TimeSpan) { ramp.store(max(0, span.nanoseconds), ordering: .relaxed) }
}
