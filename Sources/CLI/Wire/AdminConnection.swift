internal import Glibc

/// A connection to the admin socket: non-blocking, a deadline on every wait, closed at its end. Used by one thread.
final class AdminConnection {
    /// How often a companion without a descriptor is asked.
    private static let slice: Int64 = 50

    let descriptor: Int32
    /// Of everything that is waited for from now on.
    var deadline: ContinuousClock.Instant

    init(path: String, deadline: ContinuousClock.Instant) throws(AdminFailure) {
        guard path.utf8.count <= 107 else { throw .notReachable("the path is longer than a socket's may be") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        self.deadline = deadline
        while true {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { throw .notReachable(String(cString: strerror(errno))) }
            let result = withUnsafePointer(to: &address) { pointer in
                // SAFETY: sockaddr_un begins with the members of sockaddr; the length is its own.
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 {
                self.descriptor = descriptor
                return
            }
            let code = errno
            close(descriptor)
            // EAGAIN: the queue is full; somebody is there.
            guard code == EAGAIN else { throw .notReachable(String(cString: strerror(code))) }
            guard ContinuousClock.now < deadline else { throw .timedOut }
            poll(nil, 0, 10)
        }
    }

    deinit { close(descriptor) }

    /// All of them; a peer that has stopped reading is no failure here: its answer tells why.
    func write(_ bytes: [UInt8]) throws(AdminFailure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(Int16(POLLOUT), beside: [])
            } else if errno != EINTR {
                return
            }
        }
    }

    enum Chunk: Equatable {
        case bytes([UInt8])
        /// Nothing there now.
        case none
        case end
    }

    /// What is there, without waiting.
    func readNow() throws(AdminFailure) -> Chunk {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 { return .bytes(Array(chunk[..<count])) }
            if count == 0 || errno == ECONNRESET { return .end }
            if errno == EAGAIN { return .none }
            if errno != EINTR { throw .malformed }
        }
    }

    /// Waits for bytes; nil at the end. Meanwhile the companions are served.
    func read(beside companions: [any Companion]) throws(AdminFailure) -> [UInt8]? {
        while true {
            switch try readNow() {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .none: try wait(Int16(POLLIN), beside: companions)
            }
        }
    }

    // MARK: - Private

    /// Returns after any of them stirred.
    private func wait(_ events: Int16, beside companions: [any Companion]) throws(AdminFailure) {
        let left = deadline - .now
        guard left > .zero else { throw .timedOut }
        var milliseconds = min(left.components.seconds, 86_400) * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        if companions.contains(where: { $0.descriptor == nil }) { milliseconds = min(milliseconds, Self.slice) }
        var polled = [pollfd(fd: descriptor, events: events, revents: 0)]
        // poll(2) leaves a negative descriptor alone.
        polled += companions.map { pollfd(fd: $0.descriptor ?? -1, events: Int16(POLLIN), revents: 0) }
        let stirred = poll(&polled, nfds_t(polled.count), Int32(clamping: milliseconds + 1))
        for (companion, state) in zip(companions, polled.dropFirst()) {
            let isDue = companion.descriptor == nil || (stirred > 0 && state.revents != 0)
            if isDue, companion.attend() == .interrupt { throw .interrupted }
        }
    }
}

/// Something else to look after while an answer is awaited.
protocol Companion: AnyObject {
    /// nil = it has none, and wants to be asked now and then; -1 = nothing more comes from it.
    var descriptor: Int32? { get }
    func attend() -> CompanionVerdict
}

enum CompanionVerdict {
    case goOn
    /// The answer is not waited for any longer.
    case interrupt
}

/// Why there is no answer.
package enum AdminFailure: Error, Sendable, Equatable {
    /// Nobody listens there, or we may not ask.
    case notReachable(String)
    case timedOut
    /// The answer was not HTTP, or broke off.
    case malformed
    /// A signal came first.
    case interrupted
}
