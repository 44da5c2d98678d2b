internal import Glibc

/// One request over the admin socket, with a deadline on every wait.
package struct AdminClient: Sendable {
    package struct Reply: Sendable {
        package var status: Int
        package var body: [UInt8]
    }

    package enum Failure: Error, Sendable, Equatable {
        /// Nobody listens there, or we may not ask.
        case notReachable(String)
        case timedOut
        /// The answer was not HTTP, or broke off.
        case malformed
    }

    private static let longestReply = 64 * 1024 * 1024

    private let path: String
    private let deadline: ContinuousClock.Instant

    package init(path: String, deadline: ContinuousClock.Instant) {
        self.path = path
        self.deadline = deadline
    }

    package func send(_ method: String, _ target: String, body: String = "") throws(Failure) -> Reply {
        let descriptor = try connected()
        defer { close(descriptor) }
        var request = "\(method) \(target) HTTP/1.1\r\nHost: sluice\r\nAccept: application/json\r\n"
        if method == "POST" { request += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        request += "Connection: close\r\n\r\n\(body)"
        try write(Array(request.utf8), to: descriptor)
        return try parse(try readAll(from: descriptor))
    }

    // MARK: - Private

    private func connected() throws(Failure) -> Int32 {
        guard path.utf8.count <= 107 else { throw .notReachable("the path is longer than a socket's may be") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        while true {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { throw .notReachable(String(cString: strerror(errno))) }
            let result = withUnsafePointer(to: &address) { pointer in
                // SAFETY: sockaddr_un begins with the members of sockaddr; the length is its own.
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if result == 0 { return descriptor }
            let code = errno
            close(descriptor)
            // EAGAIN: the queue is full; somebody is there.
            guard code == EAGAIN else { throw .notReachable(String(cString: strerror(code))) }
            guard ContinuousClock.now < deadline else { throw .timedOut }
            poll(nil, 0, 10)
        }
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(descriptor, Int16(POLLOUT))
            } else if errno != EINTR {
                // Refused before it read us out: the answer tells why.
                return
            }
        }
    }

    private func readAll(from descriptor: Int32) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count <= Self.longestReply {
            let count = read(descriptor, &chunk, chunk.count)
            if count > 0 {
                bytes += chunk[..<count]
            } else if count == 0 || errno == ECONNRESET {
                return bytes
            } else if errno == EAGAIN {
                try wait(descriptor, Int16(POLLIN))
            } else if errno != EINTR {
                throw .malformed
            }
        }
        throw .malformed
    }

    private func wait(_ descriptor: Int32, _ events: Int16) throws(Failure) {
        let left = deadline - .now
        guard left > .zero else { throw .timedOut }
        let milliseconds = min(left.components.seconds, 86_400) * 1000 + left.components.attoseconds / 1_000_000_000_000_000
        var polled = pollfd(fd: descriptor, events: events, revents: 0)
        poll(&polled, 1, Int32(milliseconds) + 1)
    }

    private func parse(_ bytes: [UInt8]) throws(Failure) -> Reply {
        let text = String(decoding: bytes.prefix(64 * 1024), as: UTF8.self)
        guard let headEnd = text.range(of: "\r\n\r\n") else { throw .malformed }
        let lines = text[..<headEnd].split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .malformed }
        let body = Array(bytes.dropFirst(text[..<headEnd].utf8.count + 4))
        let length = lines.dropFirst().first { $0.lowercased().hasPrefix("content-length:") }?.split(separator: ":").last
        if let length, let expected = Int(length.filter { $0 != " " }), expected != body.count { throw .malformed }
        return Reply(status: status, body: body)
    }
}

extension String {
    /// Where `part` begins.
    fileprivate func range(of part: String) -> Index? {
        var index = startIndex
        while index < endIndex {
            if self[index...].utf8.starts(with: part.utf8) { return index }
            index = utf8.index(after: index)
        }
        return nil
    }
}
