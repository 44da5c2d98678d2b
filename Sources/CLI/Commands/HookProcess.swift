internal import Glibc

/// A command of the operator's, run by the shell with our own streams, in a process group of its own: a signal to us becomes one to all of it.
struct HookProcess {
    enum End: Equatable {
        case exited(Int32)
        case signalled(Int32)
        case notStarted(String)

        var words: String {
            switch self {
            case .exited(let code): "it exited with \(code)"
            case .signalled(let number): "it was ended by signal \(number)"
            case .notStarted(let reason): "it could not be started: \(reason)"
            }
        }
    }

    /// From a signal to the group until it is killed.
    private static let grace = Duration.seconds(10)
    private static let look = Duration.milliseconds(20)

    let command: String
    /// "NAME=value", beside our own.
    let environment: [String]

    /// Blocks until it has ended.
    func run(_ interrupts: Interrupts) -> End {
        let (pid, code) = spawn()
        guard code == 0 else { return .notStarted(String(cString: strerror(code))) }
        let terminal = ForegroundTerminal(for: pid)
        defer { terminal?.takeBack() }
        var deadline: ContinuousClock.Instant?
        while true {
            var status: Int32 = 0
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return Self.end(status) }
            if result < 0 && errno != EINTR { return .notStarted(String(cString: strerror(errno))) }
            if let number = interrupts.next(within: Self.look) {
                kill(-pid, number)
                deadline = deadline ?? .now + Self.grace
            }
            if let passed = deadline, passed < .now { kill(-pid, SIGKILL) }
        }
    }

    // MARK: - Private

    private static func end(_ status: Int32) -> End {
        let number = status & 0x7F
        return number == 0 ? .exited((status >> 8) & 0xFF) : .signalled(number)
    }

    private func spawn() -> (pid_t, Int32) {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        // What we ignore or block is ours alone.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
        let arguments: [String] = ["/bin/sh", "-c", command]
        let words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        let variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/bin/sh", nil, &attributes, words, variables)
        return (pid, code)
    }
}

/// The terminal's foreground, lent to a process group: Ctrl-C goes there, and it may read.
private struct ForegroundTerminal {
    private let own = getpgrp()

    /// nil when we have none to lend.
    init?(for group: pid_t) {
        guard isatty(0) == 1, tcgetpgrp(0) == own else { return nil }
        Self.give(group)
        // It may have tried to read before it was allowed to, and stopped.
        kill(-group, SIGCONT)
    }

    func takeBack() { Self.give(own) }

    /// A group in the background is stopped for asking, unless it holds this signal back.
    private static func give(_ group: pid_t) {
        var set = sigset_t()
        var before = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTTOU)
        pthread_sigmask(SIG_BLOCK, &set, &before)
        tcsetpgrp(0, group)
        pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}
