internal import Glibc
package import Net
internal import Synchronization

/// The Unix socket that the CLI talks to: one thread, `poll`, few connections, one request each, a deadline on everything.
///
/// Requests leave through `handler` and may be answered from any thread, later; the thread never waits for an answer.
package final class AdminServer: Sendable {
    package typealias Handler = @Sendable (AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) -> Void

    package struct Limits: Sendable {
        /// Connections at once; more wait in the socket's queue.
        package var connections = 16
        /// From accept to the last byte of the request, and from the answer to its last byte taken.
        package var io: Duration = .seconds(10)
        /// From request to answer: longer than any command's own deadline.
        package var answer: Duration = .seconds(60)
        package init() {}
    }

    private struct Shared {
        var answers: [(connection: Int, response: AdminResponse)] = []
        var isStopping = false
    }

    package let path: String
    private let listener: Int32
    private let wakeUp: (read: Int32, write: Int32)
    private let limits: Limits
    private let handler: Handler
    private let shared = Mutex(Shared())

    /// Binds the socket (mode 0600) and begins to serve on a thread of its own.
    package init(path: String, limits: Limits = Limits(), handler: @escaping Handler) throws(IOError) {
        self.path = path
        self.limits = limits
        self.handler = handler
        listener = try AdminSocket.open(path)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let code = errno
            close(listener)
            unlink(path)
            throw IOError(code: code, operation: "pipe for the admin socket")
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        wakeUp = (ends[0], ends[1])
        guard ControlThread.start("sluice-admin", { self.serve() }) else {
            throw IOError(code: EAGAIN, operation: "thread for the admin socket")
        }
    }

    /// Removes the socket file and ends the thread once answers under way are written or their deadline has passed.
    package func stop() {
        unlink(path)
        shared.withLock { $0.isStopping = true }
        wake()
    }

    // MARK: - Private

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe means the thread is awake already.
        _ = write(wakeUp.write, &byte, 1)
    }

    private func serve() {
        var connections: [Int: AdminConnection] = [:]
        var nextID = 0
        var acceptsFrom = ContinuousClock.now
        while true {
            let isStopping = takeAnswers(into: &connections)
            let now = ContinuousClock.now
            for (id, var connection) in connections {
                connection.expire(now, limits)
                connections[id] = connection.isDone ? nil : connection
            }
            if isStopping && !connections.values.contains(where: \.isOwedAnAnswer) { break }
            let order = connections.keys.sorted()
            var polled = [pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)]
            // A negative descriptor is passed over: full, or no longer listening.
            let takesMore = !isStopping && connections.count < limits.connections && now >= acceptsFrom
            polled.append(pollfd(fd: takesMore ? listener : -1, events: Int16(POLLIN), revents: 0))
            for id in order { polled.append(connections[id]?.interest ?? pollfd(fd: -1, events: 0, revents: 0)) }
            guard poll(&polled, nfds_t(polled.count), connections.isEmpty && takesMore ? 60_000 : 250) > 0 else { continue }
            if polled[0].revents != 0 { drainWakeUp() }
            for (index, id) in order.enumerated() where polled[index + 2].revents != 0 {
                guard var connection = connections[id] else { continue }
                if let request = connection.ready(polled[index + 2].revents) { pass(request, for: id) }
                connections[id] = connection.isDone ? nil : connection
            }
            if polled[1].revents != 0 {
                if let connection = AdminSocket.accept(listener) {
                    connections[nextID] = connection
                    nextID += 1
                } else {
                    // Out of descriptors: the client stays in the queue, and so does the event. Look again a little later.
                    acceptsFrom = now + .milliseconds(100)
                }
            }
        }
        for (_, var connection) in connections { connection.end() }
        close(listener)
        // The pipe stays open: a late answer may still wake us, and its descriptors must not belong to somebody else by then.
    }

    private func pass(_ request: AdminRequest, for id: Int) {
        handler(request) { [self] response in
            shared.withLock { $0.answers.append((id, response)) }
            wake()
        }
    }

    private func takeAnswers(into connections: inout [Int: AdminConnection]) -> Bool {
        let (answers, isStopping) = shared.withLock { shared -> ([(connection: Int, response: AdminResponse)], Bool) in
            defer { shared.answers = [] }
            return (shared.answers, shared.isStopping)
        }
        for answer in answers {
            guard var connection = connections[answer.connection] else { continue }
            connection.answer(answer.response)
            connections[answer.connection] = connection.isDone ? nil : connection
        }
        return isStopping
    }

    private func drainWakeUp() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeUp.read, &bytes, bytes.count) > 0 {}
    }
}
