internal import Glibc

/// One client of the admin API, from accept to close. Confined to the server's thread.
struct AdminConnection {
    private enum State {
        /// Reading the request. Next: `.waiting`, `.writing` (refused), `.done`.
        case reading(AdminRequestReader, since: ContinuousClock.Instant)
        /// The request is with the controller. Next: `.writing`, `.streaming`, `.done` (the client left).
        case waiting(until: ContinuousClock.Instant, isHead: Bool)
        /// Next: `.closing`.
        case writing(Output)
        /// Events, until the client leaves or takes nothing any more. Next: `.done`.
        case streaming(EventFeed, Output)
        /// The answer is out; what the client still sends is read away, or the kernel would throw the answer after it. Next: `.done`.
        case closing(since: ContinuousClock.Instant, discarded: Int)
        /// The descriptor is closed.
        case done
    }

    private struct Output {
        var bytes: [UInt8]
        var sent = 0
        /// When the client last took something.
        var since = ContinuousClock.now
        var isEmpty: Bool { sent == bytes.count }
    }

    /// POLLRDHUP, which the imported headers lack: the peer has shut down its side.
    private static let readHangUp: Int16 = 0x2000
    /// What a client may send after it was answered.
    private static let discardLimit = 1024 * 1024
    private static let lingering = Duration.seconds(2)

    private let descriptor: Int32
    /// Index of the door it came through.
    let door: Int
    /// For the journal; nil = known only once the request has been looked at.
    let actor: String?
    /// A half-closed TCP connection is a client that left; over a Unix socket the kernel tells the two apart.
    private let hangUp: Int16
    private var state: State

    init(descriptor: Int32, door: Int, actor: String?) {
        self.descriptor = descriptor
        self.door = door
        self.actor = actor
        hangUp = actor == nil ? Self.readHangUp : 0
        state = .reading(AdminRequestReader(), since: .now)
    }

    var isDone: Bool { if case .done = state { true } else { false } }
    var isStreaming: Bool { if case .streaming = state { true } else { false } }

    /// Worth finishing when the server stops.
    var isOwedAnAnswer: Bool {
        switch state {
        case .waiting, .writing: true
        case .reading, .streaming, .closing, .done: false
        }
    }

    var interest: pollfd {
        switch state {
        case .reading, .closing: pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Only hang-ups (always reported) matter while the answer is being made.
        case .waiting: pollfd(fd: descriptor, events: hangUp, revents: 0)
        case .writing: pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        case .streaming(_, let output): pollfd(fd: descriptor, events: hangUp | (output.isEmpty ? 0 : Int16(POLLOUT)), revents: 0)
        case .done: pollfd(fd: -1, events: 0, revents: 0)
        }
    }

    /// The kernel reported `events`; returns the request when it is complete.
    mutating func ready(_ events: Int16, _ limits: AdminServer.Limits) -> AdminRequest? {
        switch state {
        case .reading: return receive(limits)
        case .waiting:
            if events & (Int16(POLLHUP | POLLERR) | hangUp) != 0 { end() }
        case .streaming:
            if events & (Int16(POLLHUP | POLLERR) | hangUp) != 0 { end() } else { pump(.now) }
        case .writing: send()
        case .closing: discard()
        case .done: break
        }
        return nil
    }

    /// The request takes this long at most from now on.
    mutating func allow(_ limit: Duration) {
        if case .waiting(_, let isHead) = state { state = .waiting(until: .now + limit, isHead: isHead) }
    }

    mutating func answer(_ response: AdminResponse) {
        var isHead = false
        switch state {
        case .reading: break
        case .waiting(_, let head): isHead = head
        // Answered already: the first answer counts.
        case .writing, .streaming, .closing, .done: return
        }
        let output = Output(bytes: response.wire(isHead: isHead))
        if let feed = response.events, !isHead {
            state = .streaming(feed, output)
            pump(.now)
        } else {
            state = .writing(output)
            send()
        }
    }

    /// Deadlines, and events that came since.
    mutating func tick(_ now: ContinuousClock.Instant, _ limits: AdminServer.Limits) {
        switch state {
        case .reading(_, let since):
            if now - since > limits.io {
                answer(.problem(Problem("timeout", status: 408, title: "Request timeout", detail: "the request did not arrive in time")))
            }
        case .waiting(let until, _):
            if now > until {
                answer(.problem(Problem("timeout", status: 504, title: "No answer", detail: "the control plane did not answer in time")))
            }
        case .writing(let output):
            if now - output.since > limits.io { end() }
        case .streaming(_, let output):
            if !output.isEmpty && now - output.since > limits.io { end() } else { pump(now) }
        case .closing(let since, _):
            if now - since > Self.lingering { end() }
        case .done: break
        }
    }

    mutating func end() {
        guard !isDone else { return }
        close(descriptor)
        state = .done
    }

    // MARK: - Private

    private mutating func receive(_ limits: AdminServer.Limits) -> AdminRequest? {
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
        case .request(var request):
            if let actor { request.actor = actor }
            state = .waiting(until: .now + limits.answer, isHead: request.method == "HEAD")
            return request
        }
    }

    private mutating func send() {
        guard case .writing(var output) = state else { return }
        guard write(&output) else { return end() }
        if output.isEmpty {
            shutdown(descriptor, Int32(SHUT_WR))
            state = .closing(since: .now, discarded: 0)
            discard()
        } else {
            state = .writing(output)
        }
    }

    /// Hands the socket one portion after the other until it takes no more.
    private mutating func pump(_ now: ContinuousClock.Instant) {
        guard case .streaming(var feed, var output) = state else { return }
        while true {
            guard write(&output) else { return end() }
            guard output.isEmpty else { break }
            output = Output(bytes: feed.next(now))
            if output.isEmpty { break }
        }
        state = .streaming(feed, output)
    }

    /// What the socket takes; false when it is broken.
    private func write(_ output: inout Output) -> Bool {
        while !output.isEmpty {
            let count = output.bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: output.sent), $0.count - output.sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return true }
            guard count > 0 else { return false }
            output.sent += count
            output.since = .now
        }
        return true
    }

    private mutating func discard() {
        guard case .closing(let since, var discarded) = state else { return }
        var bytes = [UInt8](repeating: 0, count: 8192)
        while discarded < Self.discardLimit {
            let count = read(descriptor, &bytes, bytes.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN {
                state = .closing(since: since, discarded: discarded)
                return
            }
            guard count > 0 else { break }
            discarded += count
        }
        end()
    }
}
