internal import Glibc

/// The real binary with a configuration of the test's, in a folder of its own.
package final class SluiceProcess: Sendable {
    package let folder: TemporaryFolder
    package let child: Child
    package let workers: Int
    package var configuration: String { folder["sluice.yaml"] }
    package var adminSocket: String { folder["admin.sock"] }
    package var accessLog: String { folder["access.log"] }
    /// What the process has said to its operator.
    package var errors: String { text(of: folder["err"]) }

    /// Starts with `yaml` (without `workers`, `state_dir`, `admin` and `access_log`, which are added) and waits until it serves.
    /// - Parameter wrapper: words that come before the program, such as `["prlimit", "--nofile=64"]`.
    package init(_ yaml: String, workers: Int = 2, wrapper: [String] = []) throws {
        self.folder = try TemporaryFolder()
        self.workers = workers
        try TestSupport.write(Self.complete(yaml, workers: workers, in: folder), to: folder["sluice.yaml"])
        self.child = try Child(wrapper + [Self.binary, "run", "-c", folder["sluice.yaml"]], output: folder["out"], errors: folder["err"])
        let serves = eventually(within: .seconds(20)) { child.exit != nil || (try? ready()) == true }
        guard serves, child.exit == nil else {
            throw WireError.malformed("sluice does not serve (exit \(String(describing: child.exit))): \(errors)")
        }
    }

    /// One listener on 127.0.0.1, one service with one pool of these targets. `top` is added at the top level, `service` inside the service.
    package convenience init(
        to targets: [Place], top: String = "", service: String = "", workers: Int = 2, wrapper: [String] = []
    ) throws {
        try self.init(Self.forwarding(to: targets, top: top, service: service), workers: workers, wrapper: wrapper)
    }

    package static func forwarding(to targets: [Place], top: String = "", service: String = "") -> String {
        let list = targets.map { "\"\($0)\"" }.joined(separator: ", ")
        return """
            \(top)
            listeners: [{ name: web, bind: ["127.0.0.1:0"] }]
            services:
              shop:
                pools: { only: { targets: [\(list)] } }
                \(service)
            """
    }

    /// The program under test: SLUICE_BIN, or what was built beside the tests.
    package static let binary: String = {
        if let path = getenv("SLUICE_BIN") { return String(cString: path) }
        var room = [CChar](repeating: 0, count: 4096)
        let count = max(0, readlink("/proc/self/exe", &room, room.count - 1))
        var folder = String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        while let slash = folder.lastIndex(of: "/"), slash != folder.startIndex {
            folder = String(folder[..<slash])
            if access("\(folder)/sluice", X_OK) == 0, access("\(folder)/sluice.product", F_OK) == 0 { return "\(folder)/sluice" }
        }
        return ".build/debug/sluice"
    }()

    /// Of the process that serves now: after an upgrade not `child`, but one that nobody here started.
    package var servingPID: Int32 { Int32(text(of: folder["state/lock"]).prefix { $0 != "\n" }) ?? child.pid }

    /// Ends what an upgrade has left behind. Only a process that was started with our file can be meant.
    package func endSuccessors() {
        for _ in 0..<10 {
            let pid = servingPID
            guard pid != child.pid, text(of: "/proc/\(pid)/cmdline").contains(configuration) else { return }
            kill(pid, SIGKILL)
            guard !eventually(within: .seconds(5), { access("/proc/\(pid)", F_OK) != 0 || text(of: "/proc/\(pid)/cmdline").isEmpty }) else {
                return
            }
        }
    }

    deinit { endSuccessors() }

    // MARK: - Talking to it

    /// Where clients go.
    package func place(_ listener: String = "web", _ index: Int = 0) throws -> Place {
        let addresses = try status()["listeners"].items.filter { $0["name"].string == listener }.compactMap { $0["address"].string }
        guard index < addresses.count, let place = Place(addresses[index]) else { throw WireError.malformed("no address of \(listener)") }
        return place
    }

    package func client(_ listener: String = "web") throws -> RawClient { try RawClient(place(listener)) }

    /// `GET /v1/status` over the admin socket.
    package func status() throws -> JSON {
        let answer = try admin("GET", "/v1/status")
        guard answer.status == 200, let json = JSON(String(decoding: answer.body.bytes, as: UTF8.self)) else {
            throw WireError.malformed("status answered \(answer.status): \(answer.text)")
        }
        return json
    }

    package func admin(_ method: String, _ path: String) throws -> Answer {
        let client = try RawClient(.unix(adminSocket), patience: .seconds(10))
        return try client.ask("\(method) \(path) HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    }

    /// The same with a JSON body.
    package func order(_ path: String, _ body: String = "{}", patience: Duration = .seconds(40)) throws -> Answer {
        let client = try RawClient(.unix(adminSocket), patience: patience)
        return try client.ask(Self.orderText(path, body))
    }

    package static func orderText(_ path: String, _ body: String) -> String {
        "POST \(path) HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
            + "\(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Runs the CLI against this process.
    package func cli(_ words: String..., within patience: Duration = .seconds(30)) throws -> Program.Result {
        try Program.run([Self.binary] + words + ["--socket", adminSocket], within: patience)
    }

    /// Replaces the file; takes effect at the next reload.
    package func rewrite(_ yaml: String) throws {
        try TestSupport.write(Self.complete(yaml, workers: workers, in: folder), to: configuration)
    }

    /// `sluice reload`, with the file replaced first when `yaml` is given.
    @discardableResult package func reload(_ yaml: String? = nil) throws -> Program.Result {
        if let yaml { try rewrite(yaml) }
        return try cli("reload")
    }

    /// Lines of the access log so far, read as JSON.
    package func logLines() -> [JSON] { text(of: accessLog).split(separator: "\n").compactMap { JSON($0) } }

    package var isRunning: Bool { child.exit == nil }

    /// Resident memory in KiB, from the kernel.
    package var residentKiB: Int {
        let line = text(of: "/proc/\(child.pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    /// Open file descriptors.
    package var descriptors: Int { names(in: "/proc/\(child.pid)/fd").count }

    // MARK: - Private

    private func ready() throws -> Bool { try status()["state"].string == "serving" }

    private static func complete(_ yaml: String, workers: Int, in folder: TemporaryFolder) -> String {
        """
        workers: \(workers)
        state_dir: \(folder["state"])
        admin: { socket: \(folder["admin.sock"]) }
        access_log: { path: \(folder["access.log"]), format: json }
        \(yaml)

        """
    }
}

/// What the loops hold right now, all together.
package struct Counters: Sendable, Equatable {
    package var clients = 0
    package var exchanges = 0
    package var tunnels = 0
    package init(clients: Int = 0, exchanges: Int = 0, tunnels: Int = 0) {
        self.clients = clients
        self.exchanges = exchanges
        self.tunnels = tunnels
    }
}

extension SluiceProcess {
    package func counters() throws -> Counters {
        var counters = Counters()
        for worker in try status()["workers"].items {
            counters.clients += worker["connections"].int ?? 0
            counters.exchanges += worker["in_flight"].int ?? 0
            counters.tunnels += worker["tunnels"].int ?? 0
        }
        return counters
    }

    /// Upstream connections kept for reuse.
    package func idleUpstreamConnections() throws -> Int {
        try status()["workers"].items.reduce(0) { $0 + ($1["idle_upstream"].int ?? 0) }
    }
}
