internal import Glibc

/// Decides what operators hear of a log that cannot be written: the first failure at once, then one line a minute, and the recovery.
/// Pure: `now` is monotonic, in seconds.
struct LogTrouble {
    private static let interval = 60
    private var isFailing = false
    private var lastMessage: Int?
    private var told: UInt64 = 0

    mutating func failed(path: String, code: Int32, dropped: UInt64, now: Int) -> String? {
        let mayTell = isDue(now)
        isFailing = isFailing || mayTell
        guard mayTell else { return nil }
        lastMessage = now
        told = dropped
        return "access log \(path): \(String(cString: strerror(code))); \(dropped) lines lost since start"
    }

    mutating func succeeded(path: String, dropped: UInt64, now: Int) -> String? {
        if isFailing {
            isFailing = false
            told = dropped
            return "access log \(path) is written again; \(dropped) lines lost since start"
        }
        guard dropped > told, isDue(now) else { return nil }
        lastMessage = now
        told = dropped
        return "access log \(path) is too slow for the traffic; \(dropped) lines lost since start"
    }

    private func isDue(_ now: Int) -> Bool { lastMessage.map { now - $0 >= LogTrouble.interval } ?? true }
}
