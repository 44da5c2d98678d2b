internal import Dispatch
internal import Glibc
package import Net
internal import Synchronization

/// The sockets that the CLI and the dashboards talk to: one thread, `poll`, few connections, one request each, a deadline on everything.
///
/// Requests leave through `handler` and may be answered from any thread, later; the thread never waits for an answer.
package final class AdminServer: Sendable {
    /// Returns how long the answer may take; nil = `Limits.answer`.
    package typealias Handler = @Sendable (AdminRequest, _ reply: @escaping @Sendable (AdminResponse) -> Void) -> Duration?

    package struct Limits: Sendable {
        /// Connections of each socket at once; more wait in the socket's queue.
        package var connections = 64
        /// Of them, those that follow events, both sockets together.
        package var followers = 32
        /// From accept to the last byte of the request; and how long a client may take nothing of its answer.
        package var io: Duration = .seconds(10)
        /// From request to answer, where the request does not say how long it waits.
        package var answer: Duration = .seconds(60)
        package init() {}
    }

    private enum Mode: Equatable {
        /// Clients wait in the queues. Next: `.open`, `.stopping`.
        case held
        /// Next: `.leaving`, `.stopping`.
        case open
        /// Another process has the sockets; who came before gets an answer. Next: `.stopping`.
        case leaving
        /// Next: the end, once answers under way are written.
        case stopping
    }

    private struct Shared {
        var answers: [(connection: Int, response: AdminResponse)] = []
        var mode = Mode.open
    }

    /// Sockets that another process opened; from now on the server's.
    package struct Adopted: Sendable {
        package var socket: Int32?
        package var address: Int32?
        package init() {}
    }

    /// A listening socket; `access` nil = the Unix socket.
    private struct Door {
        var listener: Int32
        var access: AdminAccess?
        /// Out of descriptors: not before then.
        var acceptsFrom = ContinuousClock.now
    }

    package let path: String
    /// Where `admin.listen` is bound: the real port where the file says 0.
    package let address: SocketAddress?
    private let doors: [Door]
    private let wakeUp: (read: Int32, write: Int32)
    private let limits: Limits
    private let handler: Handler
    private let shared = Mutex(Shared())
    /// The doors are shut; the thread has ended.
    private let (left, ended) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))

    /// Binds the sockets (the Unix socket with mode 0600) and begins to serve on a thread of its own.
    /// - Parameters:
    ///   - access: the TCP side; nil = none.
    ///   - events: wakes the clients that follow it.
    ///   - adopted: taken instead of binding.
    ///   - isHeld: nobody is let in before `open()`.
    package init(
        path: String, access: AdminAccess? = nil, events: EventLog? = nil, limits: Limits = Limits(), adopted: Adopted = Adopted(),
        isHeld: Bool = false, handler: @escaping Handler
    ) throws(IOError) {
        self.path = path
        self.limits = limits
        self.handler = handler
        if isHeld { shared.withLock { $0.mode = .held } }
        var doors = [Door(listener: try Self.listener(adopted.socket) { () throws(IOError) in try AdminSocket.open(path) })]
        do throws(IOError) {
            if let access {
                let listener = try Self.listener(adopted.address) { () throws(IOError) in try access.open() }
                doors.append(Door(listener: listener, access: access))
            }
            wakeUp = try Self.pipe()
        } catch {
            for door in doors { close(door.listener) }
            if adopted.socket == nil { unlink(path) }
            throw error
        }
        self.doors = doors
        address = access == nil ? nil : doors.last.flatMap { Sockaddr.bound($0.listener) }
        events?.watch { [weak self] in self?.wake() }
        guard ControlThread.start("sluice-admin", { self.serve() }) else {
            throw IOError(code: EAGAIN, operation: "thread for the admin socket")
        }
    }

    /// Lets in who waits.
    func open() {
        shared.withLock { if $0.mode == .held { $0.mode = .open } }
        wake()
    }

    /// Another process has the sockets: lets nobody in any more, and returns when that is so. Files stay; who is in gets an answer.
    func leave(within limit: Duration) {
        shared.withLock { $0.mode = .leaving }
        wake()
        _ = left.wait(timeout: .now() + limit.dispatch)
    }

    /// Removes the socket file, unless it is another process's by now, and ends the thread once answers under way are written or their deadline
    /// has passed. Waits for that a moment.
    package func stop(within limit: Duration = .seconds(1)) {
        let isOurs = shared.withLock { shared -> Bool in
            defer { shared.mode = .stopping }
            return shared.mode != .leaving
        }
        if isOurs { unlink(path) }
        wake()
        _ = ended.wait(timeout: .now() + limit.dispatch)
    }

    // MARK: - For the process that takes over

    var descriptor: Int32 { doors[0].listener }
    var addressDescriptor: Int32? { doors.count > 1 ? doors[1].listener : nil }

    // MARK: - Private

    private static func listener(_ adopted: Int32?, _ open: () throws(IOError) -> Int32) throws(IOError) -> Int32 {
        if let adopted { return adopted }
        return try open()
    }

    private static func pipe() throws(IOError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw IOError(code: errno, operation: "pipe for the admin socket") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        return (ends[0], ends[1])
    }

    private func wake() {
        var byte: UInt8 = 1
        // A full pipe means the thread is awake already.
        _ = write(wakeUp.write, &byte, 1)
    }

    private func serve() {
        var doors = doors
        var connections: [Int: AdminConnection] = [:]
        var nextID = 0
        while true {
            let mode = takeAnswers(into: &connections)
            if mode == .leaving || mode == .stopping { shut(&doors, &connections) }
            let now = ContinuousClock.now
            for id in connections.keys.sorted() { update(id, in: &connections) { $0.tick(now, limits) } }
            if mode == .stopping && !connections.values.contains(where: \.isOwedAnAnswer) { break }
            let order = connections.keys.sorted()
            var polled = [pollfd(fd: wakeUp.read, events: Int16(POLLIN), revents: 0)]
            for (index, door) in doors.enumerated() {
                // A negative descriptor is passed over: full, or no longer listening.
                let isFull = connections.values.count { $0.door == index } >= limits.connections
                let listener = mode != .open || isFull || now < door.acceptsFrom ? -1 : door.listener
                polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0))
            }
            for id in order { polled.append(connections[id]?.interest ?? pollfd(fd: -1, events: 0, revents: 0)) }
            let isQuiet = connections.isEmpty && !doors.contains { now < $0.acceptsFrom }
            guard poll(&polled, nfds_t(polled.count), isQuiet ? 60_000 : 250) > 0 else { continue }
            if polled[0].revents != 0 { drainWakeUp() }
            for (index, id) in order.enumerated() {
                let events = polled[index + 1 + doors.count].revents
                if events != 0 { serve(id, events, in: &connections) }
            }
            for index in doors.indices where polled[index + 1].revents != 0 {
                if let connection = accept(doors[index], index) {
                    connections[nextID] = connection.isDone ? nil : connection
                    nextID += 1
                } else {
                    // Out of descriptors: the client stays in the queue, and so does the event. Look again a little later.
                    doors[index].acceptsFrom = now + .milliseconds(100)
                }
            }
        }
        for (_, var connection) in connections { connection.end() }
        ended.signal()
        // The pipe stays open: a late answer may still wake us, and its descriptors must not belong to somebody else by then.
    }

    /// Once. Who follows events is told by the end of the stream to come again.
    private func shut(_ doors: inout [Door], _ connections: inout [Int: AdminConnection]) {
        guard doors.contains(where: { $0.listener >= 0 }) else { return }
        for index in doors.indices {
            close(doors[index].listener)
            doors[index].listener = -1
        }
        for id in connections.keys.sorted() { update(id, in: &connections) { if $0.isStreaming { $0.end() } } }
        left.signal()
    }

    private func accept(_ door: Door, _ index: Int) -> AdminConnection? {
        door.access == nil ? AdminSocket.accept(door.listener, door: index) : AdminSocket.acceptTCP(door.listener, door: index)
    }

    private func serve(_ id: Int, _ events: Int16, in connections: inout [Int: AdminConnection]) {
        var request: AdminRequest?
        update(id, in: &connections) { request = $0.ready(events, limits) }
        guard var request, let connection = connections[id] else { return }
        if let access = doors[connection.door].access {
            do throws(AdminAccess.Refusal) {
                request.actor = try access.actor(of: request)
            } catch {
                return update(id, in: &connections) { $0.answer(error.response) }
            }
        }
        let limit = handler(request) { [self] response in
            shared.withLock { $0.answers.append((id, response)) }
            wake()
        }
        if let limit { update(id, in: &connections) { $0.allow(limit) } }
    }

    private func takeAnswers(into connections: inout [Int: AdminConnection]) -> Mode {
        let (answers, mode) = shared.withLock { shared -> ([(connection: Int, response: AdminResponse)], Mode) in
            defer { shared.answers = [] }
            return (shared.answers, shared.mode)
        }
        for answer in answers {
            var response = answer.response
            if response.events != nil && connections.values.count(where: \.isStreaming) >= limits.followers {
                let detail = "\(limits.followers) clients follow the events already"
                response = .problem(Problem("too-many-followers", status: 503, title: "Too many followers", detail: detail))
            }
            update(answer.connection, in: &connections) { $0.answer(response) }
        }
        return mode
    }

    private func update(_ id: Int, in connections: inout [Int: AdminConnection], _ change: (inout AdminConnection) -> Void) {
        guard var connection = connections.removeValue(forKey: id) else { return }
        change(&connection)
        if !connection.isDone { connections[id] = connection }
    }

    private func drainWakeUp() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(wakeUp.read, &bytes, bytes.count) > 0 {}
    }
}
