package import Glibc

/// A resolved address: 24 bytes instead of a `sockaddr_storage`, for the many connections that keep one.
package enum SocketAddress: Sendable, Hashable {
    /// Network byte order in memory: `address` holds the four bytes as they stand in the packet, read as a native integer.
    case v4(address: UInt32, port: UInt16)
    /// The sixteen bytes as two native integers read in packet order.
    case v6(high: UInt64, low: UInt64, port: UInt16)
    /// Path of a Unix socket; nil for an unnamed peer.
    case unix(path: String?)

    /// An IPv4 or IPv6 literal (no brackets); nil when it is neither.
    package init?(literal host: String, port: UInt16) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, host, &v4) == 1 {
            self = .v4(address: v4.s_addr, port: port)
        } else if inet_pton(AF_INET6, host, &v6) == 1 {
            self = Self.v6(v6, port: port)
        } else {
            return nil
        }
    }

    /// From what accept, getsockname or getaddrinfo filled in.
    package init(_ storage: sockaddr_storage, length: UInt32) {
        self = withUnsafeBytes(of: storage) { Self.decode($0, length: Int(length)) }
    }

    package var family: Int32 {
        switch self {
        case .v4: AF_INET
        case .v6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    package var port: UInt16? {
        switch self {
        case .v4(_, let port), .v6(_, _, let port): port
        case .unix: nil
        }
    }

    package func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        let length = withUnsafeMutableBytes(of: &storage) { encode(into: $0) }
        return withUnsafeBytes(of: &storage) { raw in
            raw.withMemoryRebound(to: sockaddr.self) { body($0.baseAddress.unsafelyUnwrapped, socklen_t(length)) }
        }
    }

    // MARK: - Private

    private static func v6(_ address: in6_addr, port: UInt16) -> SocketAddress {
        withUnsafeBytes(of: address) {
            .v6(high: $0.loadUnaligned(as: UInt64.self), low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self), port: port)
        }
    }

    private static func decode(_ raw: UnsafeRawBufferPointer, length: Int) -> SocketAddress {
        switch Int32(raw.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self)
            return .v4(address: address.sin_addr.s_addr, port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self)
            return v6(address.sin6_addr, port: UInt16(bigEndian: address.sin6_port))
        default:
            let path = raw.dropFirst(MemoryLayout<sa_family_t>.size).prefix(max(length - MemoryLayout<sa_family_t>.size, 0)).prefix {
                $0 != 0
            }
            return .unix(path: path.isEmpty ? nil : String(decoding: path, as: UTF8.self))
        }
    }

    private func encode(into raw: UnsafeMutableRawBufferPointer) -> Int {
        switch self {
        case .v4(let address, let port):
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = address
            raw.storeBytes(of: value, as: sockaddr_in.self)
            return MemoryLayout<sockaddr_in>.size
        case .v6(let high, let low, let port):
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            withUnsafeMutableBytes(of: &value.sin6_addr) {
                $0.storeBytes(of: high, as: UInt64.self)
                $0.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            raw.storeBytes(of: value, as: sockaddr_in6.self)
            return MemoryLayout<sockaddr_in6>.size
        case .unix(let path):
            raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
            let bytes = Array((path ?? "").utf8.prefix(107))
            raw.baseAddress?.advanced(by: 2).copyMemory(from: bytes, byteCount: bytes.count)
            return 2 + bytes.count + 1
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    package var description: String {
        switch self {
        case .v4(_, let port): "\(host):\(port)"
        case .v6(_, _, let port): "[\(host)]:\(port)"
        case .unix(let path): "unix:\(path ?? "")"
        }
    }

    /// The address without the port; IPv6 without brackets; "unix:" for a Unix peer.
    package var host: String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            let count = writeHost(into: UnsafeMutableRawBufferPointer(buffer))
            return String(decoding: buffer[0..<count], as: UTF8.self)
        }
    }

    /// The same as bytes, without a String: for header fields and logs. `buffer` holds at least 46 bytes.
    package func writeHost(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        switch self {
        case .v4(let address, _): return Self.writeDotted(address, into: buffer)
        case .v6(let high, let low, _):
            var address = in6_addr()
            withUnsafeMutableBytes(of: &address) {
                $0.storeBytes(of: high, as: UInt64.self)
                $0.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
            }
            let text = buffer.assumingMemoryBound(to: CChar.self)
            guard text.count >= Int(INET6_ADDRSTRLEN), inet_ntop(AF_INET6, &address, text.baseAddress, socklen_t(text.count)) != nil else {
                return 0
            }
            return Int(strlen(text.baseAddress.unsafelyUnwrapped))
        case .unix:
            let text: StaticString = "unix:"
            buffer.copyBytes(from: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
            return text.utf8CodeUnitCount
        }
    }

    private static func writeDotted(_ address: UInt32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        precondition(buffer.count >= 15)
        var at = 0
        var rest = UInt32(bigEndian: address)
        for index in 0..<4 {
            let part = UInt8(truncatingIfNeeded: rest >> 24)
            rest <<= 8
            if part >= 100 { put(48 + part / 100) }
            if part >= 10 { put(48 + part / 10 % 10) }
            put(48 + part % 10)
            if index < 3 { put(46) }
        }
        return at

        func put(_ byte: UInt8) {
            buffer[at] = byte
            at += 1
        }
    }
}
