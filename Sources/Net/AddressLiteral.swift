internal import Glibc

extension SocketAddress {
    /// An IPv4 or IPv6 literal (no brackets, no zone) as bytes, port 0; nil when it is neither. Allocates nothing.
    package init?(literal bytes: UnsafeRawBufferPointer) {
        // INET6_ADDRSTRLEN counts the NUL.
        guard let start = bytes.baseAddress, bytes.count < Int(INET6_ADDRSTRLEN), !bytes.contains(0) else { return nil }
        var text: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0)
        let found: SocketAddress? = withUnsafeMutableBytes(of: &text) { text in
            text.baseAddress?.copyMemory(from: start, byteCount: bytes.count)
            let text = text.assumingMemoryBound(to: CChar.self)
            var v4 = in_addr()
            if inet_pton(AF_INET, text.baseAddress, &v4) == 1 { return .v4(address: v4.s_addr, port: 0) }
            var v6 = in6_addr()
            guard inet_pton(AF_INET6, text.baseAddress, &v6) == 1 else { return nil }
            return withUnsafeBytes(of: v6) {
                .v6(high: $0.loadUnaligned(as: UInt64.self), low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self), port: 0)
            }
        }
        guard let found else { return nil }
        self = found
    }
}
