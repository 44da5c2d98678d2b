internal import Net
internal import Routing
internal import Telemetry

/// A connection whose first bytes must be a PROXY header: owns the descriptor until they are here. Confined to its loop.
///
/// Life: `begin` looks at once, since most balancers send header and request together → waits in the loop where it must → `handOver`, or
/// `close`. It looks without taking (MSG_PEEK) and in the end takes exactly the header: the socket that it hands over is as one that has just
/// been accepted, and TLS and HTTP know nothing of this. It counts as a client connection all the while.
final class ProxyHeaderReader: EventHandler, ClientConnection {
    // SAFETY: the worker owns the loop that owns this; both end after it.
    private unowned(unsafe) let worker: Worker
    /// The peer, until the header says more.
    private var client: Client
    private let descriptor: Int32
    /// `.none` before it waits, and after its end.
    private var registration = Registration.none

    init(worker: Worker, client: Client, descriptor: Int32) {
        self.worker = worker
        self.client = client
        self.descriptor = descriptor
    }

    func begin() {
        worker.counters.downstreamConnections += 1
        guard look(isEnded: false) else { return }
        guard let registration = worker.loop.register(descriptor, self) else { return close() }
        self.registration = registration
        worker.loop.setDeadline(registration, worker.loop.now + worker.settings.requestHeader)
        if worker.isDraining { drain() }
    }

    // MARK: - Events

    func handle(_ readiness: Readiness) {
        guard registration != .none else { return }
        _ = look(isEnded: readiness.tellsOfEnd)
    }

    func deadlineReached() {
        guard registration != .none else { return }
        refuse(worker.isDraining ? nil : "it did not come in time")
    }

    /// What is under way in the network still gets its answer.
    func drain() {
        let grace = worker.loop.now + LoopSettings.idleGrace
        if registration != .none, grace < worker.loop.deadline(registration) { worker.loop.setDeadline(registration, grace) }
    }

    func close() {
        leaveLoop(keepingOpen: false)
        Syscall.close(descriptor)
        worker.connectionClosed(client.socket)
    }

    // MARK: - Private

    /// True when more bytes must be waited for.
    private func look(isEnded: Bool) -> Bool {
        let space = worker.freshReadBlock().space
        let room = UnsafeMutableRawBufferPointer(rebasing: space[..<min(space.count, ProxyHeaderParser.greatestLength)])
        switch Syscall.peek(descriptor, room) {
        case .wouldBlock: return true
        // Nothing was said: a check of the port, most likely.
        case .end, .failed: close()
        case .moved(let count):
            switch ProxyHeaderParser.parse(UnsafeRawBufferPointer(rebasing: room[..<count])) {
            case .needMore:
                if !isEnded { return true }
                refuse("it broke off")
            case .refused(let refusal): refuse(refusal.text)
            case .header(let header): take(header, room)
            }
        }
        return false
    }

    private func take(_ header: ProxyHeader, _ room: UnsafeMutableRawBufferPointer) {
        guard Syscall.receive(descriptor, UnsafeMutableRawBufferPointer(rebasing: room[..<header.length])) == .moved(header.length) else {
            return close()
        }
        leaveLoop(keepingOpen: true)
        worker.counters.downstreamConnections -= 1
        if let source = header.source {
            client.address = source
            client.destination = header.destination.map(Client.Destination.init)
        }
        worker.serve(descriptor, client)
    }

    private func refuse(_ reason: String?) {
        if let reason {
            worker.counters.refusedProxyHeaders &+= 1
            worker.notices.proxyHeader.tell(at: worker.loop.now) {
                // The path of a Unix socket is the peer's own text.
                let peer = client.address.port == nil ? client.address.host : "\(client.address)"
                return "listener \(client.socket.listener): no valid PROXY header from \(peer): \(reason)"
            }
        }
        close()
    }

    /// From here on this object does nothing any more.
    private func leaveLoop(keepingOpen: Bool) {
        guard registration != .none else { return }
        if keepingOpen {
            worker.loop.unregister(registration, keepingOpen: descriptor)
        } else {
            worker.loop.unregister(registration)
        }
        registration = .none
    }
}
