internal import Glibc
internal import Net

/// The kernel's forms of an address that only the control plane meets.
enum Sockaddr {
    /// Where a socket is bound; nil when the kernel does not say.
    static func bound(_ descriptor: Int32) -> SocketAddress? { Socket.localAddress(descriptor) }

    /// One entry of what `getaddrinfo` returned; nil for families that are not ours.
    static func read(_ entry: addrinfo) -> SocketAddress? {
        guard let address = entry.ai_addr, entry.ai_family == AF_INET || entry.ai_family == AF_INET6 else { return nil }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: min(Int(entry.ai_addrlen), bytes.count)))
        }
        return SocketAddress(storage, length: entry.ai_addrlen)
    }
}
