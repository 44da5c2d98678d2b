internal import Routing

/// What tests of the real binary may ask for by the environment; nothing of it works unless `SLUICE_DEBUG=1`.
struct DebugEnvironment {
    let isOn: Bool
    /// `SLUICE_DEBUG_ACK_DEADLINE_MS`: how long a publish waits for the loops.
    private let confirmation: Duration?

    init(_ environment: [String: String]) {
        isOn = environment["SLUICE_DEBUG"] == "1"
        let given = environment["SLUICE_DEBUG_ACK_DEADLINE_MS"].flatMap(Int.init)
        confirmation = isOn ? given.flatMap { (1...60_000).contains($0) ? .milliseconds($0) : nil } : nil
    }

    func publisher(_ cell: SnapshotCell, _ workers: [any WorkerFace]) -> Publisher {
        var publisher = Publisher(cell: cell, workers: workers)
        if let confirmation { publisher.deadline = confirmation }
        return publisher
    }
}
