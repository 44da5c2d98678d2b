import Glibc

/// A resolved address: 24 bytes instead of a `sockaddr_storage`, for the many connections that keep one.
package enum SocketAddress: Sendable, Hashable {
    /// Network byte order in memory: `address` holds the four bytes as they stand in the packet, read as a native integer.
    case v4(address: UInt32, port: UInt16)
    case v6(high: UInt64, low: UInt64, port: UInt16)
    /// Path of a Unix socket; nil for an unnamed peer.
    case unix(path: String?)
}
