internal import Glibc
internal import Net

/// The new process's side of an upgrade (LIFECYCLE.md): what was handed to it, and its part of the conversation. Used by the main thread alone.
final class Succession {
    /// What a process that is alive may take for each of its steps.
    private static let patience = Duration.seconds(60)
    private static let statePatience = Duration.seconds(10)

    let state: HandoverState
    private(set) var listeners: [InheritedSockets.Passed] = []
    private(set) var admin: Int32?
    private(set) var adminAddress: Int32?
    private(set) var lock: Int32?
    /// Until somebody else has it.
    private var channel: HandoverChannel?
    private let debug: DebugEnvironment

    /// nil when this process was not started by an upgrade. Must run before there is a second thread.
    static func begin(environment: [String: String]) throws(Supervisor.Failure) -> Succession? {
        guard let value = environment[Relaunch.channelVariable] else { return nil }
        // So that no child thinks it is its own.
        unsetenv(Relaunch.channelVariable)
        guard let number = Int32(value), number > 2, isPacketSocket(number) else {
            throw Supervisor.Failure(lines: ["\(Relaunch.channelVariable)=\(value) is not a line to another sluice; unset it"], exitCode: 1)
        }
        let channel = HandoverChannel(owning: number)
        let debug = DebugEnvironment(environment)
        debug.reached("start")
        do throws(HandoverTrouble) {
            let (state, descriptors) = try channel.receiveState(by: .now + statePatience)
            return Succession(state, descriptors, channel, debug)
        } catch {
            let failure = Supervisor.Failure(lines: ["upgrade: nothing to take over: \(error.text)"], exitCode: 1)
            try? channel.send(.failed(failure.lines, exitCode: failure.exitCode), by: .now + .seconds(1))
            throw failure
        }
    }

    private init(_ state: HandoverState, _ descriptors: [Int32], _ channel: HandoverChannel, _ debug: DebugEnvironment) {
        self.state = state
        self.channel = channel
        self.debug = debug
        for (socket, descriptor) in zip(state.sockets, descriptors) {
            switch socket.role {
            case .listener:
                guard InheritedSockets.isListeningStream(descriptor), let address = Sockaddr.bound(descriptor) else {
                    close(descriptor)
                    continue
                }
                listeners.append(
                    InheritedSockets.Passed(
                        address: address, descriptor: descriptor, listener: socket.listener, text: socket.text, isForeign: socket.isForeign)
                )
            case .admin: admin = descriptor
            case .adminTCP: adminAddress = descriptor
            case .lock: lock = descriptor
            }
        }
    }

    /// Tells the old process why it is to go on.
    func refuse(_ failure: Supervisor.Failure) {
        try? channel?.send(.failed(failure.lines, exitCode: failure.exitCode), by: .now + .seconds(1))
    }

    /// The folder that goes over with its lock; nil when the file names another one.
    func stateDirectory(_ path: String) -> StateDirectory? {
        guard path == state.stateDirectory, let lock else { return nil }
        self.lock = nil
        return StateDirectory(path: path, adopting: lock)
    }

    /// The admin sockets, where the file has them at the same addresses.
    func adminSockets(path: String, address: SocketAddress?) -> AdminServer.Adopted {
        var adopted = AdminServer.Adopted()
        if path == state.adminSocket { swap(&adopted.socket, &admin) }
        if let address, let bound = adminAddress.flatMap(Sockaddr.bound), bound.satisfies(address) {
            swap(&adopted.address, &adminAddress)
        }
        return adopted
    }

    /// Every loop accepts. Returns when this process is the owner: the old one has let go, or has died.
    /// - Parameter acceptAnew: runs when the old one accepts no more.
    func takeOver(epoch: UInt64, acceptAnew: () -> Void) throws(Supervisor.Failure) {
        var ready = HandoverMessage(.ready)
        ready.pid = getpid()
        ready.version = Version.text
        ready.epoch = epoch
        try say(ready)
        debug.reached("ready")
        try hear(.release)
        acceptAnew()
        debug.reached("release")
        try say(HandoverMessage(.owned))
        debug.reached("owned")
        try hear(.confirmed)
    }

    /// What nobody wanted: another path of the admin socket, another state_dir.
    func closeRest() {
        if let admin {
            close(admin)
            unlink(state.adminSocket)
        }
        if let adminAddress { close(adminAddress) }
        (admin, adminAddress) = (nil, nil)
    }

    /// The line to the process that drains now.
    func formerProcess() -> FormerProcess? {
        defer { channel = nil }
        return channel.map(FormerProcess.init)
    }

    // MARK: - Private

    /// An old process that died leaves the service to this one, whatever it still had to say.
    private func say(_ message: HandoverMessage) throws(Supervisor.Failure) {
        do throws(HandoverTrouble) {
            try channel?.send(message, by: .now + Self.patience)
        } catch {
            if error != .closed { throw gone(error.text) }
        }
    }

    private func hear(_ kind: HandoverMessage.Kind) throws(Supervisor.Failure) {
        do throws(HandoverTrouble) {
            guard let channel else { throw .closed }
            let (message, descriptors) = try channel.receive(by: .now + Self.patience)
            for descriptor in descriptors { close(descriptor) }
            if message.kind != kind { throw .malformed(message.kind.rawValue) }
        } catch {
            // Once we said that we own, the old one does not go back: only whether it still takes orders was left to hear.
            if error == .closed || (error == .timedOut && kind == .confirmed) { return }
            throw gone(error == .malformed(HandoverMessage.Kind.abandoned.rawValue) ? "the old process gave up" : error.text)
        }
    }

    private func gone(_ reason: String) -> Supervisor.Failure {
        Supervisor.Failure(lines: ["upgrade given up: \(reason)"], exitCode: 1)
    }

    private static func isPacketSocket(_ descriptor: Int32) -> Bool {
        var kind: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &length) == 0 && kind == Int32(SOCK_SEQPACKET.rawValue)
    }
}
