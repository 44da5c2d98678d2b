internal import Dispatch
internal import Synchronization

/// Collects one answer each from several askers' threads; the asker waits with a deadline and sees who kept silent.
final class Answers<Value: Sendable>: Sendable {
    private struct State {
        var values: [Value?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let complete = DispatchSemaphore(value: 0)
    private let whenComplete: (@Sendable () -> Void)?

    /// - Parameter whenComplete: runs once, on the thread of the last answer, whether or not anybody still waits.
    init(count: Int, whenComplete: (@Sendable () -> Void)? = nil) {
        state = Mutex(State(values: Array(repeating: nil, count: count), missing: count))
        self.whenComplete = whenComplete
        if count == 0 { finish() }
    }

    /// The first answer of each index counts; an index out of range is ignored.
    func put(_ value: Value, at index: Int) {
        let isLast = state.withLock { state -> Bool in
            guard state.values.indices.contains(index), state.values[index] == nil else { return false }
            state.values[index] = value
            state.missing -= 1
            return state.missing == 0
        }
        if isLast { finish() }
    }

    /// nil stands for who did not answer in time.
    func wait(for limit: Duration) -> [Value?] {
        _ = complete.wait(timeout: .now() + limit.dispatch)
        return state.withLock { $0.values }
    }

    private func finish() {
        whenComplete?()
        complete.signal()
    }
}
