import Glibc
import Synchronization

/// Runs `body` on that many threads at once and waits for all of them. Real threads, as the loops are.
func onThreads(_ count: Int, _ body: @escaping @Sendable (_ thread: Int) -> Void) {
    let gate = Gate(count)
    var threads: [pthread_t] = []
    for index in 0..<count {
        let job = Unmanaged.passRetained(Job(index: index, gate: gate, body: body))
        var thread = pthread_t()
        let result = pthread_create(&thread, nil, Job.main, job.toOpaque())
        precondition(result == 0, "a thread could not be started: \(result)")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}

/// Holds everybody until the last one has come.
private final class Gate: Sendable {
    private let missing: Atomic<Int>
    init(_ count: Int) { missing = Atomic(count) }
    func pass() {
        missing.wrappingSubtract(1, ordering: .acquiringAndReleasing)
        while missing.load(ordering: .acquiring) > 0 { sched_yield() }
    }
}

private final class Job: Sendable {
    private let index: Int
    private let gate: Gate
    private let body: @Sendable (Int) -> Void

    init(index: Int, gate: Gate, body: @escaping @Sendable (Int) -> Void) {
        self.index = index
        self.gate = gate
        self.body = body
    }

    static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
        guard let argument else { return nil }
        let job = Unmanaged<Job>.fromOpaque(argument).takeRetainedValue()
        job.gate.pass()
        job.body(job.index)
        return nil
    }
}
