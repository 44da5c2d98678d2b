internal import Config
internal import Glibc
internal import Net
internal import TLS

/// One question to an OCSP responder over plain HTTP (RFC 6960 appendix A; the answer carries its own signature). Blocks; never on the queue.
struct OCSPFetch {
    /// For the whole of it.
    static let patience = Duration.seconds(10)
    /// Responses have a few KiB.
    static let longestAnswer = 64 * 1024

    private let url: URLParts
    private let resolver: Resolver

    init(_ responder: String, resolver: Resolver = Resolver()) throws(OCSPError) {
        guard let url = URLParts(responder) else { throw .unreachable("\(responder) is no http address") }
        self.url = url
        self.resolver = resolver
    }

    /// The body of the answer.
    func ask(_ question: [UInt8], within limit: Duration = patience) throws(OCSPError) -> [UInt8] {
        let deadline = ContinuousClock.now + limit
        let endpoint = Endpoint.tcp(host: url.host, port: url.port)
        let (found, failures) = resolver.resolve([endpoint], previous: [:], keepsLastGood: false)
        guard let address = found[endpoint] else { throw .unreachable("\(url.host): \(failures.first?.reason ?? "no address")") }
        let raw = socket(address.family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard raw >= 0 else { throw .unreachable(Self.reason(errno)) }
        let line = FileDescriptor(owning: raw)
        if address.withSockaddr({ connect(line.raw, $0, $1) }) != 0, errno != EINPROGRESS { throw .unreachable(Self.reason(errno)) }
        try send(question, on: line.raw, by: deadline)
        return try Self.body(of: try receive(on: line.raw, by: deadline))
    }

    /// What stands behind the head of a 200.
    static func body(of answer: [UInt8]) throws(OCSPError) -> [UInt8] {
        let end: [UInt8] = [13, 10, 13, 10]
        let status = answer.prefix { $0 != 13 && $0 != 10 }.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard status.count >= 2, status[0].hasPrefix("HTTP/1.") else { throw .malformed }
        guard status[1] == "200" else { throw .unreachable("it answers \(status[1].prefix(3))") }
        guard let start = (0..<max(0, answer.count - 3)).first(where: { answer[$0..<$0 + 4].elementsEqual(end) }) else { throw .malformed }
        return Array(answer[(start + 4)...])
    }

    // MARK: - Private

    /// HTTP/1.0: the answer comes whole and ends with the connection.
    private func send(_ question: [UInt8], on line: Int32, by deadline: ContinuousClock.Instant) throws(OCSPError) {
        let head =
            "POST \(url.path) HTTP/1.0\r\nHost: \(url.authority)\r\nContent-Type: application/ocsp-request\r\n"
            + "Accept: application/ocsp-response\r\nConnection: close\r\nContent-Length: \(question.count)\r\n\r\n"
        var rest = (Array(head.utf8) + question)[...]
        while !rest.isEmpty {
            try wait(for: POLLOUT, on: line, by: deadline)
            let sent = rest.withUnsafeBytes { Glibc.send(line, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent >= 0 else {
                let code = errno
                if code == EAGAIN || code == EINTR { continue }
                throw .unreachable(Self.reason(code))
            }
            rest = rest.dropFirst(sent)
        }
    }

    private func receive(on line: Int32, by deadline: ContinuousClock.Instant) throws(OCSPError) -> [UInt8] {
        var answer: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            try wait(for: POLLIN, on: line, by: deadline)
            let count = recv(line, &room, room.count, 0)
            if count == 0 { return answer }
            guard count > 0 else {
                let code = errno
                if code == EAGAIN || code == EINTR { continue }
                throw .unreachable(Self.reason(code))
            }
            answer += room.prefix(count)
            guard answer.count <= Self.longestAnswer else { throw .malformed }
        }
    }

    private func wait(for event: Int32, on line: Int32, by deadline: ContinuousClock.Instant) throws(OCSPError) {
        let left = ContinuousClock.now.duration(to: deadline)
        var polled = pollfd(fd: line, events: Int16(event), revents: 0)
        guard left > .zero, poll(&polled, 1, Int32(clamping: Int64(left / .milliseconds(1)) + 1)) != 0 else {
            throw .unreachable("no answer in time")
        }
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

/// "http://host:port/path", as far as responders need it.
private struct URLParts {
    var host: String
    var port: UInt16 = 80
    /// Host and port as written.
    var authority: String
    var path: String

    init?(_ text: String) {
        let scheme = "http://"
        guard text.lowercased().hasPrefix(scheme), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = String(rest[..<end])
        path = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
        var name = Substring(authority)
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("]") {
            guard let number = UInt16(name[name.index(after: colon)...]), number > 0 else { return nil }
            port = number
            name = name[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") { name = name.dropFirst().dropLast() }
        guard !name.isEmpty, !name.contains("@") else { return nil }
        host = String(name)
    }
}
