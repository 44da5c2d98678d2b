@testable internal import CLI
internal import Glibc
internal import Synchronization
internal import TestSupport

/// An admin socket that answers what the test wants, and remembers what it was asked. It lives as long as this object.
final class FakeAdmin: Sendable {
    struct Request: Sendable {
        var method: String
        var target: String
        /// By lowercase name.
        var fields: [String: String]
        var body: String

        /// "POST /v1/services/shop/flip {}"
        var line: String { "\(method) \(target)\(method == "POST" ? " " + body : "")" }
    }

    struct Response: Sendable {
        var text: String
        /// Kept open until the client leaves.
        var hangs = false

        init(raw: String, hangs: Bool = false) {
            text = raw
            self.hangs = hangs
        }

        init(_ status: Int, _ body: String) {
            text = "HTTP/1.1 \(status) X\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
    }

    let folder: TemporaryFolder
    var path: String { folder["a.sock"] }
    private let listener: Int32
    private let seen = Mutex<[Request]>([])
    private let answer: @Sendable (Request) -> Response

    init(_ answer: @escaping @Sendable (Request) -> Response) throws {
        folder = try TemporaryFolder()
        self.answer = answer
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.listener = listener
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = folder["a.sock"]
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let isListening = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 16) == 0
            }
        }
        guard isListening else { throw WireError.system("listen", code: errno) }
        onOwnThread { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let self else {
                    close(client)
                    return
                }
                onOwnThread { self.serve(client) }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var requests: [Request] { seen.withLock { $0 } }
    /// What was ordered.
    var orders: [String] { requests.filter { $0.method == "POST" }.map(\.line) }

    // MARK: - Private

    private func serve(_ client: Int32) {
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        // A child that was started in between may hold it too: the client shall see the end all the same.
        defer {
            shutdown(client, Int32(SHUT_RDWR))
            close(client)
        }
        guard let request = Self.read(client) else { return }
        seen.withLock { $0.append(request) }
        let response = answer(request)
        var sent = 0
        let bytes = Array(response.text.utf8)
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { send(client, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            sent += count
        }
        var room = [UInt8](repeating: 0, count: 64)
        if response.hangs { while Glibc.read(client, &room, room.count) > 0 {} }
    }

    private static func read(_ client: Int32) -> Request? {
        var text = ""
        var room = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(client, &room, room.count)
            guard count > 0 else { return nil }
            text += String(decoding: room[..<count], as: UTF8.self)
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            let lines = parts[0].split(separator: "\r\n").map(String.init)
            let words = lines[0].split(separator: " ").map(String.init)
            var fields: [String: String] = [:]
            for line in lines.dropFirst() {
                let pair = line.split(separator: ":", maxSplits: 1).map(String.init)
                if pair.count == 2 { fields[pair[0].lowercased()] = String(pair[1].drop { $0 == " " }) }
            }
            guard parts[1].utf8.count >= Int(fields["content-length"] ?? "0") ?? 0, words.count == 3 else { continue }
            return Request(method: words[0], target: words[1], fields: fields, body: String(parts[1]))
        }
    }
}

/// What a command printed.
final class Screen: Sendable {
    private let streams = Mutex((out: "", error: ""))
    var out: String { streams.withLock { $0.out } }
    var error: String { streams.withLock { $0.error } }

    var console: Console {
        Console(out: { text in self.streams.withLock { $0.out += text } }, error: { text in self.streams.withLock { $0.error += text } })
    }
}

extension FakeAdmin {
    /// Runs a command against it. Words are separated by "|" where one has spaces, by spaces otherwise.
    func sluice(_ line: String, screen: Screen = Screen()) throws -> (code: ExitCode, screen: Screen) {
        let words = line.split(separator: line.contains("|") ? "|" : " ").map(String.init)
        let invocation = try Invocation.parse(words + ["--socket", path])
        let code = Client(invocation, environment: ["PATH": "/usr/bin:/bin"], console: screen.console) { _ in nil }.run()
        return (code, screen)
    }
}

/// Answers as the proxy gives them.
enum Sample {
    static func receipt(_ members: String = "") -> String {
        """
        {"outcome": "done", "exit_code": 0, "command": "flip shop green", "service": "shop", "epoch": 7, "sequence": 3, \
        "time": "2026-11-21T15:00:00.123Z", "changed": true, "split": {"blue": 0, "green": 100}, "previous_split": {"blue": 100, "green": 0}, \
        "acknowledgements": [{"loop": 0, "microseconds": 120}, {"loop": 1, "microseconds": 410}], \
        "in_flight": [{"service": "shop", "pool": "blue", "exchanges": 3}], "notes": []\(members.isEmpty ? "" : ", " + members)}
        """
    }

    static func pauseReceipt(outcome: String = "done", code: Int = 0, inFlight: Int = 0) -> String {
        """
        {"outcome": "\(outcome)", "exit_code": \(code), "command": "pause shop", "service": "shop", "epoch": 8, "sequence": 4, \
        "time": "T", "changed": true, "acknowledgements": [{"loop": 0, "microseconds": 100}], \
        "in_flight": [{"service": "shop", "pool": "blue", "exchanges": \(inFlight)}], "notes": []}
        """
    }

    static func problem(_ status: Int, _ code: Int, _ members: String = "") -> FakeAdmin.Response {
        .init(
            status,
            """
            {"type": "about:blank", "title": "Refused", "status": \(status), "detail": "because", "hint": "do that", "exit_code": \(code)\
            \(members.isEmpty ? "" : ", " + members)}
            """)
    }

    static func status(blue: Int = 100, green: Int = 0) -> String {
        """
        {"version": "1", "pid": 7, "uptime": 61, "epoch": 3, "state": "serving", "config": {"file": "/a.yaml"}, "workers": [], \
        "listeners": [], "retired": [], "dropped_log_lines": 0, "services": [{"name": "shop", "balance": "round-robin", "pools": [\
        {"name": "blue", "share": \(blue), "targets": [{"target": "10.0.0.11:80", "weight": 1, "in_flight": 0, "requests": 0, "failures": 0, "idle_connections": 0}]}, \
        {"name": "green", "share": \(green), "targets": []}]}]}
        """
    }
}
