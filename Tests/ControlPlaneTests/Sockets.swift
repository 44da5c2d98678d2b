internal import Glibc
internal import Net

/// Small blocking sockets of the tests, each wait with a deadline.
enum TestSocket {
    /// A listening socket on 127.0.0.1 and the port the kernel chose.
    static func listening() -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let address = SocketAddress(literal: "127.0.0.1", port: 0)
        precondition(address?.withSockaddr { bind(descriptor, $0, $1) } == 0 && listen(descriptor, 16) == 0)
        return (descriptor, port(of: descriptor))
    }

    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// A connected socket with 5 s for every read and write; nil when refused.
    static func connected(to address: SocketAddress) -> Int32? {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        limit(descriptor)
        if address.withSockaddr({ connect(descriptor, $0, $1) }) == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    static func limit(_ descriptor: Int32) {
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    static func accepts(_ address: SocketAddress) -> Bool {
        guard let descriptor = connected(to: address) else { return false }
        close(descriptor)
        return true
    }

    static func inode(_ descriptor: Int32) -> UInt64 {
        var status = stat()
        fstat(descriptor, &status)
        return UInt64(status.st_ino)
    }

    /// Sends, then reads to the end (or 5 s of silence).
    static func ask(_ path: String, _ bytes: [UInt8]) -> String {
        guard let descriptor = connected(to: .unix(path: path)) else { return "refused" }
        defer { close(descriptor) }
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { break }
            sent += count
        }
        return readAll(descriptor)
    }

    static func ask(_ path: String, _ text: String) -> String { ask(path, Array(text.utf8)) }

    static func readAll(_ descriptor: Int32) -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: all, as: UTF8.self) }
            all += chunk[..<count]
        }
    }
}
