internal import Glibc
internal import Synchronization

/// How a process ended.
package enum Exit: Sendable, Equatable {
    case code(Int32)
    case signal(Int32)
}

/// A process of the test's own. It dies with the test runner, and with this object.
package final class Child: Sendable {
    private struct State {
        var pid: pid_t = 0
        var failure: Int32?
        var exit: Exit?
    }
    private final class Shared: Sendable {
        let state = Mutex(State())
    }
    private let shared = Shared()

    /// Starts `arguments` (the first is looked up in PATH), output into files. `environment` adds "NAME=value" lines to ours.
    package init(_ arguments: [String], output: String, errors: String, environment: [String] = []) throws {
        // The kernel's promise to end the child is bound to the thread that started it, so that thread lives as long as the child does.
        let guarded = ["setpriv", "--pdeathsig", "KILL", "--"] + arguments
        let shared = self.shared
        onOwnThread {
            let (pid, code) = Self.spawn(guarded, output: output, errors: errors, environment: environment)
            shared.state.withLock {
                $0.pid = pid
                if code != 0 { $0.failure = code }
            }
            if code == 0 { Self.reap(pid, into: shared) }
        }
        guard eventually(within: .seconds(20), { shared.state.withLock { $0.pid != 0 || $0.failure != nil } }) else {
            throw WireError.timedOut("starting \(arguments[0])")
        }
        if let code = shared.state.withLock({ $0.failure }) { throw WireError.system("starting \(arguments[0])", code: code) }
    }

    deinit {
        signal(SIGKILL)
        _ = waitForExit(within: .seconds(10))
    }

    package var pid: Int32 { shared.state.withLock { $0.pid } }
    /// Nil while it runs.
    package var exit: Exit? { shared.state.withLock { $0.exit } }

    /// Nothing happens when it has ended.
    package func signal(_ number: Int32) {
        shared.state.withLock { if $0.exit == nil && $0.pid > 0 { _ = kill($0.pid, number) } }
    }

    /// Nil when it still runs at the deadline.
    package func waitForExit(within patience: Duration) -> Exit? {
        _ = eventually(within: patience) { exit != nil }
        return exit
    }

    private static func spawn(_ arguments: [String], output: String, errors: String, environment: [String]) -> (pid_t, Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let inherited = (contents(of: "/proc/self/environ") ?? []).split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        let words =
            (inherited.filter { !$0.hasPrefix("SLUICE_") && !$0.hasPrefix("NOTIFY_SOCKET") } + environment).map { strdup($0) } + [nil]
        let argv = arguments.map { strdup($0) } + [nil]
        defer { for pointer in words + argv { free(pointer) } }
        var pid: pid_t = 0
        let code = descriptorGate.whileNoneIsNew { posix_spawnp(&pid, arguments[0], &actions, &attributes, argv, words) }
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        return (code == 0 ? pid : 0, code)
    }

    private static func reap(_ pid: pid_t, into shared: Shared) {
        var info = siginfo_t()
        while waitid(P_PID, UInt32(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        shared.state.withLock { state in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let number = status & 0x7F
            state.exit = number == 0 ? .code((status >> 8) & 0xFF) : .signal(number)
        }
    }
}

/// Runs programs that end by themselves.
package enum Program {
    package struct Result: Sendable {
        package var exit: Exit
        package var output: String
        package var errors: String
        package var succeeded: Bool { exit == .code(0) }
    }

    /// Runs to the end; a program that is still there at the deadline is killed and reported as `.timedOut`.
    package static func run(_ arguments: [String], within patience: Duration = .seconds(30), environment: [String] = []) throws -> Result {
        let folder = try TemporaryFolder()
        let child = try Child(arguments, output: folder["out"], errors: folder["err"], environment: environment)
        guard let exit = child.waitForExit(within: patience) else { throw WireError.timedOut(arguments.joined(separator: " ")) }
        return Result(exit: exit, output: text(of: folder["out"]), errors: text(of: folder["err"]))
    }

    /// Nil when there is no such program here; a test that needs it is skipped then.
    package static func find(_ name: String) -> String? {
        let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }
}
