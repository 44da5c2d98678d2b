internal import Glibc
internal import Net

/// Opens one listening socket as the data plane wants it.
enum ListenerSocket {
    /// What the loops' accepts may lag behind in a burst; the kernel caps it by net.core.somaxconn.
    private static let backlog: Int32 = 4096

    static func open(_ address: SocketAddress, text: String) throws(IOError) -> Int32 {
        if case .unix(let path) = address { try removeStale(path ?? "", text: text) }
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw IOError(code: errno, operation: "socket for \(text)") }
        do {
            try configure(descriptor, address, text: text)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// A socket file that nobody listens on is left over from a crash; one that answers, or any other file, is not ours to remove.
    static func removeStale(_ path: String, text: String) throws(IOError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw IOError(code: EEXIST, operation: "bind \(text)") }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw IOError(code: errno, operation: "socket for \(text)") }
        defer { close(probe) }
        let result = SocketAddress.unix(path: path).withSockaddr { connect(probe, $0, $1) }
        // EAGAIN = its queue is full: somebody is there.
        guard result != 0, errno == ECONNREFUSED else { throw IOError(code: EADDRINUSE, operation: "bind \(text)") }
        unlink(path)
    }

    // MARK: - Private

    private static func configure(_ descriptor: Int32, _ address: SocketAddress, text: String) throws(IOError) {
        switch address {
        case .v4:
            inherit(descriptor)
        case .v6:
            // "[::]:80" beside "0.0.0.0:80" must both bind.
            set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY)
            inherit(descriptor)
        case .unix: break
        }
        guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw IOError(code: errno, operation: "bind \(text)") }
        if case .unix(let path) = address, let path {
            // Who may connect is decided by the folder's mode; the process's umask must not decide it by accident.
            chmod(path, 0o666)
        }
        guard listen(descriptor, backlog) == 0 else {
            let code = errno
            if case .unix(let path?) = address { unlink(path) }
            throw IOError(code: code, operation: "listen on \(text)")
        }
    }

    /// Accepted sockets inherit these two: set once here instead of twice per connection.
    private static func inherit(_ descriptor: Int32) {
        set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE)
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size))
    }
}
