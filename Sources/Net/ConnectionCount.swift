internal import Synchronization

/// A count that loops share, with a cap that is checked and taken in one step.
package final class ConnectionCount: Sendable {
    private let value = Atomic<Int>(0)
    package init() {}
    package var current: Int { value.load(ordering: .relaxed) }
    /// False when `cap` (0 = none) is reached.
    package func take(cap: Int) -> Bool {
        let before = value.wrappingAdd(1, ordering: .relaxed).oldValue
        if cap > 0 && before >= cap {
            value.wrappingSubtract(1, ordering: .relaxed)
            return false
        }
        return true
    }
    package func give() { value.wrappingSubtract(1, ordering: .relaxed) }
}
