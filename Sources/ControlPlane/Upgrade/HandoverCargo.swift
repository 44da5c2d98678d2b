internal import DataPlane
internal import Glibc
internal import Routing
internal import TLS

/// What goes over, taken on the control queue while nothing changes.
struct HandoverCargo: Sendable {
    var state: HandoverState
    /// One for each of `state.sockets`; still the owner's.
    var descriptors: [Int32] = []

    init(_ proxy: Proxy, _ surroundings: UpgradeDesk.Surroundings) {
        let admin = surroundings.admin
        state = HandoverState(
            pid: getpid(), version: Version.text, epoch: proxy.epoch, stateDirectory: surroundings.stateDirectory.path,
            adminSocket: admin.path)
        for socket in proxy.listeners.open {
            add(
                HandoverState.Socket(
                    role: .listener, listener: socket.listener, text: socket.text, isForeign: proxy.listeners.isForeign(socket)),
                socket.descriptor)
        }
        add(HandoverState.Socket(role: .admin), admin.descriptor)
        if let descriptor = admin.addressDescriptor { add(HandoverState.Socket(role: .adminTCP), descriptor) }
        add(HandoverState.Socket(role: .lock), surroundings.stateDirectory.descriptor)
        state.health = proxy.health.memory
        state.ticketKeys = proxy.ticketKeys.exported
        for service in proxy.snapshot.services {
            state.splits[service.name] = service.splitPosition.current
            for pool in service.pools {
                state.turns.append(HandoverState.Turns(service: service.name, pool: pool.name, place: pool.cursor.place))
            }
        }
    }

    private mutating func add(_ socket: HandoverState.Socket, _ descriptor: Int32) {
        state.sockets.append(socket)
        descriptors.append(descriptor)
    }
}
