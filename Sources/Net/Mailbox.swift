internal import CLinux
internal import Glibc
internal import Synchronization

/// The only door into a loop from other threads: jobs under a lock, an eventfd to wake it. For control messages, never for a request.
package final class Mailbox: Sendable {
    package typealias Job = @Sendable () -> Void

    private struct State {
        var jobs: [Job] = []
        var isClosed = false
    }

    let descriptor: Int32
    private let state = Mutex(State())

    init() throws(IOError) {
        descriptor = sluice_eventfd()
        guard descriptor >= 0 else { throw IOError(code: errno, operation: "eventfd") }
    }

    deinit { Syscall.close(descriptor) }

    /// Runs `job` on the loop between two turns. False when the loop has ended: the job will not run.
    @discardableResult
    package func post(_ job: @escaping Job) -> Bool {
        let accepted = state.withLock { state -> Bool in
            if state.isClosed { return false }
            state.jobs.append(job)
            return true
        }
        if accepted {
            var one: UInt64 = 1
            _ = write(descriptor, &one, 8)
        }
        return accepted
    }

    /// Edge-triggered: each `post` is an edge, so the counter need not be read.
    func deliver() {
        let jobs = state.withLock { state in
            let jobs = state.jobs
            state.jobs = []
            return jobs
        }
        for job in jobs { job() }
    }

    /// After the loop's last turn; what was posted but not delivered is dropped.
    package func close() {
        state.withLock {
            $0.isClosed = true
            $0.jobs = []
        }
    }
}
