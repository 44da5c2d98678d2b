internal import Glibc

/// A web server of one screen for the demo: any GET says which pool it is. A thread for each connection, 127.0.0.1 only.
final class SampleUpstream: Sendable {
    let pool: String
    let port: UInt16
    private let listener: Int32

    /// nil when the machine has no socket for it.
    init?(pool: String) {
        self.pool = pool
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            // SAFETY: sockaddr_in begins with the members of sockaddr; the length is its own.
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                socket >= 0 && bind(socket, $0, length) == 0 && listen(socket, 128) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isListening, startThread({ [self] in acceptAll() }) else { return nil }
    }

    // MARK: - Private

    private func acceptAll() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                poll(nil, 0, 10)
                continue
            }
            var on: Int32 = 1
            setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            if !startThread({ [self] in serve(connection) }) { close(connection) }
        }
    }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        var reader = SampleReader(connection)
        while let request = reader.next() {
            if request.path.hasPrefix("/slow") { poll(nil, 0, 2000) }
            let text = answer(to: request)
            var response =
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Pool: \(pool)\r\nContent-Length: \(text.utf8.count)\r\n"
            if !request.isPersistent { response += "Connection: close\r\n" }
            response += "\r\n" + (request.method == "HEAD" ? "" : text)
            guard sendAll(connection, Array(response.utf8)), request.isPersistent else { return }
        }
    }

    private func answer(to request: SampleRequest) -> String {
        request.method == "POST" || request.method == "PUT"
            ? "\(pool) received \(request.bodyLength) bytes\n" : "hello from \(pool): \(request.path)\n"
    }

    private func sendAll(_ connection: Int32, _ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(connection, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

/// A detached thread; false when the system has none left.
private func startThread(_ run: @escaping @Sendable () -> Void) -> Bool {
    let argument = Unmanaged.passRetained(ThreadBody(run)).toOpaque()
    var thread = pthread_t()
    if pthread_create(&thread, nil, enterThread, argument) != 0 {
        Unmanaged<ThreadBody>.fromOpaque(argument).release()
        return false
    }
    pthread_detach(thread)
    return true
}

private let enterThread: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
    guard let argument else { return nil }
    Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
