internal import Glibc
internal import Routing
internal import TLS

/// What tests of the real binary may ask for by the environment; nothing of it works unless `SLUICE_DEBUG=1`.
struct DebugEnvironment {
    let isOn: Bool
    /// `SLUICE_DEBUG_ACK_DEADLINE_MS`: how long a publish waits for the loops.
    private let confirmation: Duration?

    /// `SLUICE_DEBUG_UPGRADE_DEADLINE_MS`: how long a new process may take.
    let upgradePatience: Duration?
    /// `SLUICE_DEBUG_DIE_AT`, `SLUICE_DEBUG_HANG_AT`: "start", "ready", "release", "owned": after which message a new process does so.
    private let (deathPlace, hangPlace): (String?, String?)
    /// `SSLKEYLOGFILE`: where the secrets of all TLS sessions go.
    private let keyLogPath: String?

    init(_ environment: [String: String]) {
        let isOn = environment["SLUICE_DEBUG"] == "1"
        self.isOn = isOn
        func span(_ name: String) -> Duration? {
            guard isOn, let given = environment[name].flatMap(Int.init), (1...60_000).contains(given) else { return nil }
            return .milliseconds(given)
        }
        confirmation = span("SLUICE_DEBUG_ACK_DEADLINE_MS")
        upgradePatience = span("SLUICE_DEBUG_UPGRADE_DEADLINE_MS")
        deathPlace = isOn ? environment["SLUICE_DEBUG_DIE_AT"] : nil
        keyLogPath = isOn ? environment["SSLKEYLOGFILE"].flatMap { $0.isEmpty ? nil : $0 } : nil
        hangPlace = isOn ? environment["SLUICE_DEBUG_HANG_AT"] : nil
    }

    /// nil = secrets stay secret.
    func keyLog() throws(TLSError) -> KeyLog? {
        guard let keyLogPath else { return nil }
        return try KeyLog(path: keyLogPath)
    }

    func reached(_ place: String) {
        if place == deathPlace { raise(SIGKILL) }
        while place == hangPlace { poll(nil, 0, 1000) }
    }

    func publisher(_ cell: SnapshotCell, _ workers: [any WorkerFace]) -> Publisher {
        var publisher = Publisher(cell: cell, workers: workers)
        if let confirmation { publisher.deadline = confirmation }
        return publisher
    }
}
