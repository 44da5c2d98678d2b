import Synchronization

/// What several threads saw, in the order in which they said so.
final class MergedOrder: Sendable {
    private let next = Atomic<Int>(0)
    // SAFETY: each thread writes only the places that the counter gave it; read when all threads have ended.
    private nonisolated(unsafe) let memory: UnsafeMutableBufferPointer<Bool>

    init(count: Int) {
        memory = .allocate(capacity: count)
        memory.initialize(repeating: false)
    }

    deinit { memory.deallocate() }

    func append(_ value: Bool) {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        precondition(index < memory.count)
        memory[index] = value
    }

    var values: [Bool] { Array(memory) }
}
