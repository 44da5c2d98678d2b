internal import Glibc

/// Turns signals into commands on a thread that waits for nothing else.
package enum Signals {
    package enum Command: Sendable, Equatable { case reload, reopenLogs, upgrade, quickStop, gracefulStop }

    private static let handled: [(Int32, Command)] = [
        (SIGHUP, .reload), (SIGUSR1, .reopenLogs), (SIGUSR2, .upgrade), (SIGTERM, .quickStop), (SIGINT, .quickStop),
        (SIGQUIT, .gracefulStop),
    ]

    /// Must run before the process has a second thread: every later one inherits the mask, so none is ever interrupted.
    package static func blockAll() {
        signal(SIGPIPE, SIG_IGN)
        var set = set()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// For a command that is not a proxy: Ctrl-C ends it.
    package static func restoreDefaults() {
        var set = set()
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Starts the waiting thread; `deliver` runs on it.
    static func listen(_ deliver: @escaping @Sendable (Command) -> Void) -> Bool {
        ControlThread.start("sluice-signals") {
            var set = set()
            while true {
                var number: Int32 = 0
                guard sigwait(&set, &number) == 0 else { continue }
                if let command = handled.first(where: { $0.0 == number })?.1 { deliver(command) }
            }
        }
    }

    private static func set() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for (number, _) in handled { sigaddset(&set, number) }
        return set
    }
}
