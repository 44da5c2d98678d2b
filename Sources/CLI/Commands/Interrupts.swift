internal import Glibc

/// The signals that end a command, kept back: for one that must not leave things half done. From its making to its end.
final class Interrupts: Companion {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    private var set = sigset_t()
    private var before = sigset_t()
    /// The first that came.
    private(set) var caught: Int32?

    init() {
        sigemptyset(&set)
        for number in Self.numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, &before)
    }

    deinit { pthread_sigmask(SIG_SETMASK, &before, nil) }

    var descriptor: Int32? { nil }

    func attend() -> CompanionVerdict { next(within: .zero) == nil ? .goOn : .interrupt }

    /// Waits for one.
    func next(within limit: Duration) -> Int32? {
        let (seconds, attoseconds) = limit.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        let number = sigtimedwait(&set, nil, &time)
        guard number > 0 else { return nil }
        if caught == nil { caught = number }
        return number
    }
}
