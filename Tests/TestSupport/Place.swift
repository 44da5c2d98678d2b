internal import Glibc

/// Where a test listens or connects. Written as the configuration wants it.
package enum Place: Sendable, Hashable, CustomStringConvertible {
    case v4(UInt16)
    case v6(UInt16)
    case unix(String)

    package var description: String {
        switch self {
        case .v4(let port): "127.0.0.1:\(port)"
        case .v6(let port): "[::1]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    package var port: UInt16? {
        switch self {
        case .v4(let port), .v6(let port): port
        case .unix: nil
        }
    }

    /// Reads what `description` writes, with any IPv4 address taken for the local one.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(String(text.dropFirst(5)))
        } else if let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) {
            self = text.hasPrefix("[") ? .v6(port) : .v4(port)
        } else {
            return nil
        }
    }
}

/// What went wrong in a conversation.
package enum WireError: Error, Equatable, CustomStringConvertible {
    case timedOut(String)
    case closed(String)
    case reset(String)
    case malformed(String)
    case system(String, code: Int32)

    package var description: String {
        switch self {
        case .timedOut(let what): "deadline passed: \(what)"
        case .closed(let what): "the other side closed: \(what)"
        case .reset(let what): "the other side reset: \(what)"
        case .malformed(let what): "malformed: \(what)"
        case .system(let what, let code): "\(what): \(String(cString: strerror(code)))"
        }
    }
}

extension Place {
    /// A bound, non-blocking socket that listens when `backlog` is given; port 0 is replaced by the real one.
    func bound(backlog: Int32?) throws -> (descriptor: Int32, place: Place) {
        let descriptor = try socket(extra: Int32(SOCK_NONBLOCK.rawValue))
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress({ bind(descriptor, $0, $1) }) == 0 else { throw failed("bind \(self)", closing: descriptor) }
        if let backlog, listen(descriptor, backlog) != 0 { throw failed("listen \(self)", closing: descriptor) }
        return (descriptor, try named(descriptor))
    }

    /// A connected socket; a connect that takes longer than `patience` fails.
    func connected(patience: Duration) throws -> Int32 {
        let descriptor = try socket()
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard withAddress({ connect(descriptor, $0, $1) }) == 0 else { throw failed("connect \(self)", closing: descriptor) }
        if port != nil {
            var one: Int32 = 1
            setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        return descriptor
    }

    /// A connect that was begun and may never end.
    func connecting() throws -> Int32 {
        let descriptor = try socket(extra: Int32(SOCK_NONBLOCK.rawValue))
        _ = withAddress { connect(descriptor, $0, $1) }
        return descriptor
    }

    private func socket(extra: Int32 = 0) throws -> Int32 {
        let family: Int32 =
            switch self {
            case .v4: AF_INET
            case .v6: AF_INET6
            case .unix: AF_UNIX
            }
        let descriptor = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | extra, 0)
        guard descriptor >= 0 else { throw WireError.system("socket", code: errno) }
        return descriptor
    }

    private func failed(_ what: String, closing descriptor: Int32) -> WireError {
        let code = errno
        close(descriptor)
        return .system(what, code: code)
    }

    private func named(_ descriptor: Int32) throws -> Place {
        switch self {
        case .unix: return self
        case .v4:
            var address = sockaddr_in()
            withUnsafeMutablePointer(to: &address) { name(descriptor, $0, MemoryLayout<sockaddr_in>.size) }
            return .v4(UInt16(bigEndian: address.sin_port))
        case .v6:
            var address = sockaddr_in6()
            withUnsafeMutablePointer(to: &address) { name(descriptor, $0, MemoryLayout<sockaddr_in6>.size) }
            return .v6(UInt16(bigEndian: address.sin6_port))
        }
    }

    private func name(_ descriptor: Int32, _ pointer: UnsafeMutableRawPointer, _ size: Int) {
        var length = socklen_t(size)
        getsockname(descriptor, pointer.assumingMemoryBound(to: sockaddr.self), &length)
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch self {
        case .v4(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return withBytes(of: &address, body)
        case .v6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = in6addr_loopback
            return withBytes(of: &address, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { room in
                for (index, byte) in path.utf8.prefix(room.count - 1).enumerated() { room[index] = byte }
            }
            return withBytes(of: &address, body)
        }
    }

    private func withBytes<Address>(of address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        let size = socklen_t(MemoryLayout<Address>.size)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) }
        }
    }
}
