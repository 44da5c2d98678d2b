internal import Glibc
internal import Net

/// Listening sockets that a service manager opened for us (LISTEN_FDS, LISTEN_PID: sd_listen_fds). Each is given out once, by address.
package struct InheritedSockets: Sendable {
    /// The protocol's first descriptor.
    static let first: Int32 = 3

    private var descriptors: [(address: SocketAddress, descriptor: Int32)] = []

    package init() {}

    /// Takes the sockets that the environment names; others (not listening, not a stream) are left alone.
    package init(environment: [String: String], pid: Int32 = getpid(), first: Int32 = InheritedSockets.first) {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == pid,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0, count <= 1024
        else { return }
        for descriptor in first..<(first + count) {
            guard Self.isListeningStream(descriptor), let address = Sockaddr.bound(descriptor) else { continue }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
            descriptors.append((address, descriptor))
        }
    }

    package var isEmpty: Bool { descriptors.isEmpty }

    /// So that no child thinks they are its own. Call before there is a second thread.
    package static func forgetEnvironment() {
        unsetenv("LISTEN_FDS")
        unsetenv("LISTEN_PID")
        unsetenv("LISTEN_FDNAMES")
    }

    /// The socket bound to exactly this address, now the caller's.
    mutating func take(_ address: SocketAddress) -> Int32? {
        guard let index = descriptors.firstIndex(where: { $0.address == address }) else { return nil }
        return descriptors.remove(at: index).descriptor
    }

    /// Closes what no listener wanted and says which.
    mutating func closeRest() -> [String] {
        defer { descriptors = [] }
        return descriptors.map { entry in
            close(entry.descriptor)
            return entry.address.description
        }
    }

    private static func isListeningStream(_ descriptor: Int32) -> Bool {
        socketOption(descriptor, SO_ACCEPTCONN) == 1 && socketOption(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue)
    }

    private static func socketOption(_ descriptor: Int32, _ option: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, option, &value, &length) == 0 ? value : nil
    }
}
