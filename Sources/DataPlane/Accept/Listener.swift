internal import Net
internal import Routing

/// One loop's eye on a shared listening socket: accepts in batches, keeps the cap, rests when descriptors have run out.
///
/// Life: `watching` ⇄ `resting` (no descriptors: out of epoll, since a level-triggered socket would wake the loop for ever; back after a pause
/// or when a connection closes) → `stopped`.
final class Listener: EventHandler {
    private enum State { case watching(Registration), resting(Registration), stopped }

    /// Connections taken in one turn before others get theirs.
    private static let batch = 32

    // SAFETY: the worker owns its listeners.
    private unowned(unsafe) let worker: Worker
    let socket: ListeningSocket
    /// As the newest snapshot has it, or the last that had it.
    private(set) var policy: ListenerPolicy
    private var state = State.stopped

    init(worker: Worker, socket: ListeningSocket) {
        self.worker = worker
        self.socket = socket
        policy = worker.newestSnapshot().listener(named: socket.listener) ?? ListenerPolicy.plain(named: socket.listener)
    }

    func adopt(_ snapshot: Snapshot) {
        if let policy = snapshot.listener(named: socket.listener) { self.policy = policy }
    }

    func start() {
        if let registration = worker.loop.registerListening(socket.descriptor, self) { state = .watching(registration) } else { rest() }
    }

    func handle(_ readiness: Readiness) {
        for _ in 0..<Self.batch {
            switch Socket.accept(socket.descriptor) {
            case .connection(let descriptor, let client): admit(descriptor, client)
            case .none: return
            case .exhausted: return rest()
            }
        }
    }

    func deadlineReached() { resume() }

    /// A descriptor has come free.
    func resume() {
        guard case .resting(let registration) = state else { return }
        worker.loop.unregister(registration)
        start()
    }

    func stop() {
        switch state {
        case .watching(let registration): worker.loop.unregister(registration, keepingOpen: socket.descriptor)
        case .resting(let registration): worker.loop.unregister(registration)
        case .stopped: return
        }
        state = .stopped
    }

    private func rest() {
        if case .watching(let registration) = state { worker.loop.unregister(registration, keepingOpen: socket.descriptor) }
        let registration = worker.loop.registerTimer(self)
        worker.loop.setDeadline(registration, worker.loop.now + LoopSettings.acceptPause)
        state = .resting(registration)
    }

    private func admit(_ descriptor: consuming FileDescriptor, _ client: SocketAddress) {
        guard socket.connections.take(cap: worker.settings.connections) else { return descriptor.close() }
        let chosen = worker.board.choose(acceptedBy: worker.index)
        worker.board.add(to: chosen)
        let raw = descriptor.release()
        let arrival = Client(address: client, socket: socket, policy: policy)
        if chosen == worker.index { return worker.adopt(raw, arrival) }
        if !worker.board.post(to: chosen, { $0.adopt(raw, arrival) }) {
            worker.board.remove(from: chosen)
            socket.connections.give()
            Syscall.close(raw)
        }
    }
}

extension Worker {
    /// A connection that was accepted, here or on another loop, is this loop's from now on.
    func adopt(_ descriptor: Int32, _ client: Client) {
        counters.accepted &+= 1
        if client.policy.acceptsProxyProtocol, snapshot.believesProxyHeader(from: client.address) {
            ProxyHeaderReader(worker: self, client: client, descriptor: descriptor).begin()
        } else {
            serve(descriptor, client)
        }
    }

    /// TLS or HTTP begins with the next byte.
    func serve(_ descriptor: Int32, _ client: Client) {
        let isOpen: Bool
        if !mayBegin(client) {
            Syscall.close(descriptor)
            isOpen = false
        } else if client.policy.isPlain {
            isOpen = DownstreamConnection(worker: self, client: client, transport: Transport(descriptor: descriptor)).open()
        } else {
            isOpen = Opening(worker: self, client: client, descriptor: descriptor).start()
        }
        if isOpen { return }
        board.remove(from: index)
        client.socket.connections.give()
    }

    /// Counts the connection against what its client may begin per second; false when that is too much.
    private func mayBegin(_ client: Client) -> Bool {
        let limit = client.policy.handshakeRate
        if limit == 0 || board.arrivals.admits(client.address, of: client.socket.listener, limit: limit, now: loop.now) { return true }
        counters.refusedByRate &+= 1
        return false
    }

    /// One of this loop's client connections has been closed.
    func connectionClosed(_ socket: ListeningSocket) {
        counters.downstreamConnections -= 1
        board.remove(from: index)
        socket.connections.give()
        descriptorsFreed()
    }

    /// Listeners that rest for want of descriptors may go on.
    func descriptorsFreed() {
        for listener in listeners { listener.resume() }
    }
}
