internal import Config
internal import DataPlane
internal import Glibc
internal import Net

/// The listening sockets, each opened once and shared by all loops. Confined to the control queue.
///
/// A reload works on a `Plan`: opening comes before publishing, closing after it, and a plan that is dropped closes what it opened.
final class Listeners {
    /// What a new configuration means for the sockets.
    struct Plan {
        /// In the order of the file.
        fileprivate(set) var kept: [ListeningSocket] = []
        fileprivate(set) var opened: [ListeningSocket] = []
        fileprivate(set) var leaving: [ListeningSocket] = []
    }

    /// A bind that failed, with what the operator can do about it.
    struct Refusal: Error {
        var listener: String
        var error: IOError

        var hint: String? {
            switch error.code {
            case EADDRINUSE: "another process has this address; `ss -ltnp` shows which"
            case EACCES: "ports below 1024 need root or CAP_NET_BIND_SERVICE"
            case EADDRNOTAVAIL: "no interface of this machine has this address"
            default: nil
            }
        }
    }

    private(set) var open: [ListeningSocket] = []
    private var inherited: InheritedSockets
    /// Sockets whose files are not ours to remove: the service manager's for ever, another process's until we own them.
    private var adopted: Set<SocketAddress> = []
    private var foreign: Set<SocketAddress> = []
    private var nextID = 1

    init(inherited: InheritedSockets) { self.inherited = inherited }

    func plan(_ configuration: Configuration, resolved: [Endpoint: SocketAddress]) throws(Refusal) -> Plan {
        var plan = Plan()
        var remaining = open
        for listener in configuration.listeners {
            for endpoint in listener.bind {
                guard let address = resolved[endpoint] else {
                    throw refuse(plan, listener.name, IOError(code: EADDRNOTAVAIL, operation: "bind \(endpoint.text)"))
                }
                if let index = remaining.firstIndex(where: {
                    $0.listener == listener.name && $0.text == endpoint.text && $0.address.satisfies(address)
                }
                ) {
                    plan.kept.append(remaining.remove(at: index))
                    continue
                }
                do throws(IOError) {
                    let descriptor = try obtain(address, listener: listener.name, text: endpoint.text)
                    let bound = Sockaddr.bound(descriptor) ?? address
                    let id = nextID
                    nextID += 1
                    plan.opened.append(
                        ListeningSocket(id: id, listener: listener.name, text: endpoint.text, address: bound, descriptor: descriptor))
                } catch {
                    throw refuse(plan, listener.name, error)
                }
            }
        }
        plan.leaving = remaining
        return plan
    }

    /// The plan that leaves every socket as it is.
    func unchanged() -> Plan {
        var plan = Plan()
        plan.kept = open
        return plan
    }

    /// After the publish: the plan is what is open now. Returns what leaves; the caller closes each once no loop accepts on it.
    func commit(_ plan: Plan) -> [ListeningSocket] {
        open = plan.kept + plan.opened
        return plan.leaving
    }

    /// Nothing is open any more; the caller closes what is returned.
    func closeAll() -> [ListeningSocket] {
        defer { open = [] }
        return open
    }

    /// The plan will not be carried out: nothing of it stays open.
    func abandon(_ plan: Plan) {
        for socket in plan.opened { closing(socket)() }
    }

    /// How to close a socket that left. The file of a Unix socket goes with it, unless another listener has the address now or the service
    /// manager made it. May be called on any thread, once.
    func closing(_ socket: ListeningSocket) -> @Sendable () -> Void {
        let isShared = open.contains { $0.address == socket.address } || adopted.contains(socket.address)
        return {
            if !isShared, case .unix(let path?) = socket.address { unlink(path) }
            close(socket.descriptor)
        }
    }

    /// Sockets that were passed and no listener asked for.
    func closeUnclaimed() -> [String] { inherited.closeRest() }

    // MARK: - Upgrade

    func isForeign(_ socket: ListeningSocket) -> Bool { foreign.contains(socket.address) }

    /// What another process passed is ours now.
    func own() { adopted = foreign }

    /// Another process has all of it now: what is closed here stays bound there.
    func passOn() { adopted.formUnion(open.map(\.address)) }

    // MARK: - Private

    private func refuse(_ plan: Plan, _ listener: String, _ error: IOError) -> Refusal {
        abandon(plan)
        return Refusal(listener: listener, error: error)
    }

    private func obtain(_ address: SocketAddress, listener: String, text: String) throws(IOError) -> Int32 {
        if let passed = inherited.take(address, listener: listener, text: text) {
            adopted.insert(passed.address)
            if passed.isForeign { foreign.insert(passed.address) }
            return passed.descriptor
        }
        // The address moves to another listener, or is written differently: the same kernel socket under a second descriptor,
        // so that nobody waiting in its queue is lost.
        if let former = open.first(where: { $0.address == address }) {
            let copy = fcntl(former.descriptor, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { throw IOError(code: errno, operation: "duplicate \(text)") }
            return copy
        }
        return try ListenerSocket.open(address, text: text)
    }
}

extension Endpoint {
    /// As the file writes it.
    var text: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
