internal import Glibc
internal import Synchronization

/// Keeps accepted sockets out of child processes: a child that held one would hide every close from the other side. (`accept4`, which could
/// mark them at once, is not visible to Swift without a C shim.)
final class DescriptorGate: Sendable {
    private let lock = Mutex(())

    /// Runs `spawn` while no socket is between being accepted and being marked close-on-exec.
    func whileNoneIsNew<Result>(_ spawn: () -> Result) -> Result { lock.withLock { _ in spawn() } }

    /// Waits for the next connection; nil once the listening socket was shut down. `listening` must be non-blocking.
    func accept(from listening: Int32) -> Int32? {
        while true {
            var readable = pollfd(fd: listening, events: Int16(POLLIN), revents: 0)
            guard poll(&readable, 1, -1) >= 0 || errno == EINTR else { return nil }
            let (descriptor, code) = lock.withLock { _ in
                let descriptor = Glibc.accept(listening, nil, nil)
                let code = errno
                if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
                return (descriptor, code)
            }
            if descriptor >= 0 { return descriptor }
            guard code == EAGAIN || code == EINTR || code == ECONNABORTED else { return nil }
        }
    }
}

let descriptorGate = DescriptorGate()
