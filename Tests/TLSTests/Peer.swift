import Glibc
import Net
import TLS
import TestSupport

/// A session that is driven to its ends by `poll(2)`, with a deadline for each step.
final class Driven {
    let session: TLSSession
    private let descriptor: Int32
    private let deadline = Deadline(in: .seconds(20))

    /// Owns the socket.
    init(_ descriptor: Int32, _ make: (Int32) throws -> TLSSession) throws {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        self.descriptor = descriptor
        do {
            session = try make(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    func shake() throws -> TLSHandshake {
        while true {
            let outcome = session.handshake()
            guard outcome.isUnderWay else { return outcome }
            try wait(outcome == .wantRead ? POLLIN : POLLOUT)
        }
    }

    func say(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ session.write($0) }) {
            case .moved(let count): rest = rest.dropFirst(count)
            case .wantWrite: try wait(POLLOUT)
            case let other: throw WireError.malformed("\(other)")
            }
        }
        while session.flush() == .wantWrite { try wait(POLLOUT) }
    }

    /// What comes until `enough`, or until the other side ends, and how it ended.
    func hear(until enough: (String) -> Bool = { _ in false }) throws -> (text: String, end: TLSTransfer?) {
        var text = ""
        while !enough(text) {
            let (outcome, bytes) = session.readSome()
            switch outcome {
            case .moved: text += latin1(bytes)
            case .wantRead: try wait(POLLIN)
            case .wantWrite: try wait(POLLOUT)
            case .closed, .truncated, .failed: return (text, outcome)
            }
        }
        return (text, nil)
    }

    /// close_notify, then the socket's write side.
    func end() throws {
        while session.shutdown() == .wantWrite { try wait(POLLOUT) }
        Syscall.shutdownWrite(descriptor)
    }

    private func wait(_ event: Int32) throws {
        var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        guard Glibc.poll(&poll, 1, deadline.milliseconds) > 0 else { throw WireError.timedOut("a step of TLS") }
    }
}

/// A listening socket on a free port of the loopback.
final class Listening {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, length) == 0 && listen(listening, 8) == 0 && getsockname(listening, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isBound else { throw WireError.system("bind", code: errno) }
    }

    deinit { close(descriptor) }

    func accept() throws -> Int32 {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, 20_000) > 0 else { throw WireError.timedOut("accept") }
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw WireError.system("accept", code: errno) }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        return accepted
    }
}

/// Another descriptor of the same socket.
func duplicate(_ descriptor: Int32) -> Int32 { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }
