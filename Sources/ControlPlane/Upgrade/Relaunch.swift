internal import CLinux
internal import Glibc
internal import Synchronization

/// How to start this program again: which file, with what words, in which environment.
package struct Relaunch: Sendable {
    /// Where the new process finds its end of the line.
    static let channelVariable = "SLUICE_HANDOVER"
    private static let channelNumber: Int32 = 3

    /// What was started, by the name it was started by: a file that has been replaced since is the new one.
    var binary: String
    var arguments: [String]
    var environment: [String: String]

    /// - Parameter arguments: without the program's name.
    package init(binary: String, arguments: [String], environment: [String: String]) {
        self.binary = binary
        self.arguments = arguments
        self.environment = environment
    }

    /// As this process was started.
    package static func current(environment: [String: String]) -> Relaunch {
        let words = CommandLine.arguments
        return Relaunch(binary: program(words.first ?? ""), arguments: Array(words.dropFirst()), environment: environment)
    }

    /// Starts `binary` (nil = as before) with `channel` as its end of the line. Of our descriptors it has the standard ones alone.
    func start(_ binary: String?, channel: HandoverChannel) throws(HandoverTrouble) -> Successor {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        guard posix_spawn_file_actions_init(&actions) == 0, posix_spawnattr_init(&attributes) == 0 else { throw .system("no memory") }
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, channel.descriptor, Self.channelNumber)
        sluice_close_from(&actions, Self.channelNumber + 1)
        // Ours are blocked in every thread, and two are ignored; a fresh process has neither.
        var (none, reset) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&reset)
        sigaddset(&reset, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &reset)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let path = binary ?? self.binary
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = inherited.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, words, variables)
        guard code == 0 else { throw .system("\(path) cannot be started: \(String(cString: strerror(code)))") }
        return Successor(pid: pid)
    }

    // MARK: - Private

    /// Socket activation was for us, and its sockets go over by themselves.
    private var inherited: [String: String] {
        var values = environment.filter { !$0.key.hasPrefix("LISTEN_") }
        values[Self.channelVariable] = String(Self.channelNumber)
        return values
    }

    /// The kernel's name for our file follows renames; the name that we were called by, where it has a folder, means what the operator means.
    private static func program(_ name: String) -> String {
        if name.contains("/"), access(name, X_OK) == 0 { return name }
        var room = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &room, room.count)
        let path = String(decoding: room.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let deleted = " (deleted)"
        return path.hasSuffix(deleted) ? String(path.dropLast(deleted.count)) : path
    }
}

/// The new process as its parent sees it. It is ended, and its end is learned, through this alone: so its number cannot have passed to another.
final class Successor: Sendable {
    let pid: pid_t
    /// As `waitpid` tells it; nil = not reaped.
    private let status = Mutex<Int32?>(nil)

    init(pid: pid_t) { self.pid = pid }

    /// Any thread. Nothing happens when it has been reaped.
    func kill() {
        status.withLock { if $0 == nil { _ = Glibc.kill(pid, SIGKILL) } }
    }

    /// In words; nil when it still runs at the deadline.
    func end(within limit: Duration) -> String? {
        let until = ContinuousClock.now + limit
        while true {
            let ended = status.withLock { status -> Int32? in
                var now: Int32 = 0
                if status == nil, waitpid(pid, &now, WNOHANG) == pid { status = now }
                return status
            }
            if let ended {
                let number = ended & 0x7F
                return number == 0 ? "exited with status \((ended >> 8) & 0xFF)" : "was killed by signal \(number)"
            }
            guard ContinuousClock.now < until else { return nil }
            poll(nil, 0, 2)
        }
    }
}
