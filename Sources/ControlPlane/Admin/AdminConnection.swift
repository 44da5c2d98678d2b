internal import Glibc

/// One client of the admin socket, from accept to close. Confined to the server's thread.
struct AdminConnection {
    private enum State {
        /// Reading the request. Next: `.waiting`, `.writing` (refused), `.done`.
        case reading(AdminRequestReader, since: ContinuousClock.Instant)
        /// The request is with the controller. Next: `.writing`, `.done` (the client left).
        case waiting(since: ContinuousClock.Instant)
        /// Next: `.done`.
        case writing([UInt8], sent: Int, since: ContinuousClock.Instant)
        /// The descriptor is closed.
        case done
    }

    private let descriptor: Int32
    private var state: State

    init(descriptor: Int32) {
        self.descriptor = descriptor
        state = .reading(AdminRequestReader(), since: .now)
    }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// Worth finishing when the server stops.
    var isOwedAnAnswer: Bool {
        switch state {
        case .waiting, .writing: true
        case .reading, .done: false
        }
    }

    var interest: pollfd {
        switch state {
        case .reading: pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Only hang-ups (always reported) matter while the answer is being made.
        case .waiting: pollfd(fd: descriptor, events: 0, revents: 0)
        case .writing: pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        case .done: pollfd(fd: -1, events: 0, revents: 0)
        }
    }

    /// The kernel reported `events`; returns the request when it is complete.
    mutating func ready(_ events: Int16) -> AdminRequest? {
        switch state {
        case .reading: return receive()
        case .waiting:
            if events & Int16(POLLHUP | POLLERR) != 0 { end() }
            return nil
        case .writing:
            send()
            return nil
        case .done: return nil
        }
    }

    mutating func answer(_ response: AdminResponse) {
        guard !isDone else { return }
        state = .writing(response.wire, sent: 0, since: .now)
        send()
    }

    mutating func expire(_ now: ContinuousClock.Instant, _ limits: AdminServer.Limits) {
        switch state {
        case .reading(_, let since):
            if now - since > limits.io {
                answer(.problem(Problem("timeout", status: 408, title: "Request timeout", detail: "the request did not arrive in time")))
            }
        case .waiting(let since):
            if now - since > limits.answer {
                answer(.problem(Problem("timeout", status: 504, title: "No answer", detail: "the control plane did not answer in time")))
            }
        case .writing(_, _, let since):
            if now - since > limits.io { end() }
        case .done: break
        }
    }

    mutating func end() {
        guard !isDone else { return }
        close(descriptor)
        state = .done
    }

    // MARK: - Private

    private mutating func receive() -> AdminRequest? {
        guard case .reading(var reader, let since) = state else { return nil }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return nil }
        guard count > 0 else {
            end()
            return nil
        }
        switch reader.feed(bytes.prefix(count)) {
        case .needMore:
            state = .reading(reader, since: since)
            return nil
        case .refused(let status, let detail):
            answer(.problem(Problem("bad-request", status: status, title: "Bad request", detail: detail)))
            return nil
        case .request(let request):
            state = .waiting(since: .now)
            return request
        }
    }

    private mutating func send() {
        guard case .writing(let bytes, var sent, let since) = state else { return }
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                state = .writing(bytes, sent: sent, since: since)
                return
            }
            guard count > 0 else { break }
            sent += count
        }
        end()
    }
}
