internal import Glibc
internal import Net

/// Between `SocketAddress` and the kernel's own form of it.
enum Sockaddr {
    /// An IPv4 or IPv6 literal without brackets; nil for anything else.
    static func literal(_ host: String, port: UInt16) -> SocketAddress? {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return .v4(address: four.s_addr, port: port) }
        var six = in6_addr()
        if inet_pton(AF_INET6, host, &six) == 1 { return v6(six, port: port) }
        return nil
    }

    static func family(of address: SocketAddress) -> Int32 {
        switch address {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Lends the kernel's form to `body`. A Unix path that is too long (more than 107 bytes) is cut; callers check it before.
    static func with<Result>(_ address: SocketAddress, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch address {
        case .v4(let bits, let port):
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            four.sin_addr.s_addr = bits
            return lend(&four, socklen_t(MemoryLayout<sockaddr_in>.size), body)
        case .v6(let high, let low, let port):
            var six = sockaddr_in6()
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &six.sin6_addr) { bytes in
                bytes.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            return lend(&six, socklen_t(MemoryLayout<sockaddr_in6>.size), body)
        case .unix(let path):
            var local = sockaddr_un()
            local.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &local.sun_path) { bytes in
                bytes.copyBytes(from: Array((path ?? "").utf8).prefix(bytes.count - 1))
            }
            return lend(&local, socklen_t(MemoryLayout<sockaddr_un>.size), body)
        }
    }

    /// Where a socket is bound; nil when the kernel does not say.
    static func bound(_ descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutableBytes(of: &storage) { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return -1 }
            return getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length)
        }
        guard result == 0 else { return nil }
        return withUnsafeBytes(of: &storage) { read($0, length: Int(length)) }
    }

    /// The first entry of what `getaddrinfo` returned, and the like.
    static func read(_ address: UnsafePointer<sockaddr>, length: socklen_t) -> SocketAddress? {
        read(UnsafeRawBufferPointer(start: address, count: Int(length)), length: Int(length))
    }

    /// "10.0.0.1:80", "[::1]:80", "unix:/path".
    static func text(_ address: SocketAddress) -> String {
        switch address {
        case .v4(let bits, let port):
            var four = in_addr(s_addr: bits)
            return "\(presentation(AF_INET, &four)):\(port)"
        case .v6(let high, let low, let port):
            var six = in6_addr()
            withUnsafeMutableBytes(of: &six) { bytes in
                bytes.storeBytes(of: high, toByteOffset: 0, as: UInt64.self)
                bytes.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            return "[\(presentation(AF_INET6, &six))]:\(port)"
        case .unix(let path): return "unix:\(path ?? "")"
        }
    }

    // MARK: - Private

    private static func lend<Form, Result>(
        _ form: inout Form, _ length: socklen_t, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: &form) { pointer in
            // SAFETY: every sockaddr_* begins with the members of sockaddr; the kernel reads `length` bytes, all of them in `form`.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private static func v6(_ six: in6_addr, port: UInt16) -> SocketAddress {
        withUnsafeBytes(of: six) { bytes in
            .v6(
                high: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self), port: port)
        }
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, length: Int) -> SocketAddress? {
        guard length >= MemoryLayout<sa_family_t>.size, bytes.count >= length else { return nil }
        switch Int32(bytes.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let four = bytes.loadUnaligned(as: sockaddr_in.self)
            return .v4(address: four.sin_addr.s_addr, port: UInt16(bigEndian: four.sin_port))
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let six = bytes.loadUnaligned(as: sockaddr_in6.self)
            return v6(six.sin6_addr, port: UInt16(bigEndian: six.sin6_port))
        case AF_UNIX:
            let path = bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix(max(0, length - MemoryLayout<sa_family_t>.size)).prefix { $0 != 0 }
            return .unix(path: path.isEmpty ? nil : String(decoding: path, as: UTF8.self))
        default:
            return nil
        }
    }

    private static func presentation(_ family: Int32, _ address: UnsafeRawPointer) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "?" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
