internal import CLinux
internal import Glibc

/// What `accept` came to.
package enum Accepted: ~Copyable {
    case connection(FileDescriptor, SocketAddress)
    case none
    /// No descriptors or memory left: stop for a while (EMFILE, ENFILE, ENOBUFS, ENOMEM).
    case exhausted
}

package enum Connecting: ~Copyable {
    case started(FileDescriptor, isConnected: Bool)
    case failed(Int32)
}

/// Non-blocking stream sockets of the loops. Listening sockets are made by the control plane.
package enum Socket {
    /// Takes one connection; failed handshakes (ECONNABORTED and the network errors that Linux hands on) are skipped.
    package static func accept(_ listener: Int32) -> Accepted {
        while true {
            var storage = sockaddr_storage()
            var length = UInt32(MemoryLayout<sockaddr_storage>.size)
            let descriptor = sluice_accept(listener, &storage, &length)
            if descriptor >= 0 { return .connection(FileDescriptor(owning: descriptor), SocketAddress(storage, length: length)) }
            switch errno {
            case EAGAIN: return .none
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            case EBADF, EFAULT, EINVAL, ENOTSOCK: preconditionFailure("accept failed with errno \(errno)")
            default: continue
            }
        }
    }

    package static func connect(to address: SocketAddress) -> Connecting {
        let descriptor = sluice_socket(address.family, Int32(SOCK_STREAM.rawValue))
        guard descriptor >= 0 else { return .failed(errno) }
        let owner = FileDescriptor(owning: descriptor)
        if case .unix = address {} else { setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }
        let result = address.withSockaddr { pointer, length in Glibc.connect(descriptor, pointer, length) }
        if result == 0 { return .started(owner, isConnected: true) }
        let code = errno
        // A Unix socket answers EAGAIN when the listener's queue is full: it will not become writable by itself.
        if code == EINPROGRESS { return .started(owner, isConnected: false) }
        return .failed(code)
    }

    /// Our end's address; nil when the kernel does not say.
    package static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            // SAFETY: sockaddr_storage is made to be seen as a sockaddr; `length` bounds what the kernel writes.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return result == 0 ? SocketAddress(storage, length: length) : nil
    }

    package static func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
