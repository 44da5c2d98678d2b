internal import Glibc
internal import Net

/// The admin socket's file and who may come through it.
enum AdminSocket {
    static func open(_ path: String) throws(IOError) -> Int32 {
        Folders.makeParents(of: path)
        try ListenerSocket.removeStale(path, text: path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw IOError(code: errno, operation: "socket for \(path)") }
        // Nobody can connect before `listen`, so there is no moment at which the wider mode of `bind` matters.
        guard SocketAddress.unix(path: path).withSockaddr({ bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw IOError(code: code, operation: "bind \(path)")
        }
        guard chmod(path, 0o600) == 0, listen(descriptor, 64) == 0 else {
            let code = errno
            close(descriptor)
            unlink(path)
            throw IOError(code: code, operation: "listen on \(path)")
        }
        return descriptor
    }

    /// The next client; nil when there is none (see errno). One who is neither root nor the user that runs the proxy gets 403.
    static func accept(_ listener: Int32, door: Int) -> AdminConnection? {
        guard let descriptor = accepted(listener) else { return nil }
        let peer = peer(descriptor)
        var connection = AdminConnection(
            descriptor: descriptor, door: door, actor: peer.map { "uid \($0.user) (pid \($0.pid))" } ?? "unknown")
        if peer?.user != 0 && peer?.user != geteuid() {
            let detail = "only root and the user that runs sluice may use this socket"
            connection.answer(.problem(Problem("forbidden", status: 403, title: "Forbidden", detail: detail)))
        }
        return connection
    }

    /// The next client over TCP; who it is, its request tells.
    static func acceptTCP(_ listener: Int32, door: Int) -> AdminConnection? {
        accepted(listener).map { AdminConnection(descriptor: $0, door: door, actor: nil) }
    }

    // MARK: - Private

    private static func accepted(_ listener: Int32) -> Int32? {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return nil }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// The kernel's `struct ucred`: pid, uid, gid.
    private static func peer(_ descriptor: Int32) -> (pid: Int32, user: uid_t)? {
        var credentials: (pid: Int32, user: UInt32, group: UInt32) = (0, 0, 0)
        var length = socklen_t(MemoryLayout.size(ofValue: credentials))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == 0 else { return nil }
        return (credentials.pid, credentials.user)
    }
}
