internal import Policy

/// Who carries out what the admin API was asked to switch: the controller. Any thread may call; the answer may come on any thread, later.
protocol ReleaseAuthority: Sendable {
    /// Answers with a `Receipt`, or with a problem when nothing changed.
    func order(_ order: ReleaseOrder, _ reply: @escaping @Sendable (AdminResponse) -> Void)

    /// The journal's newest records first, at most `limit` changes and the receipts that belong to them.
    /// - Parameter service: nil = all.
    func history(service: String?, limit: Int, _ reply: @escaping @Sendable (Result<[ReleaseRecord], Problem>) -> Void)
}

/// Who replaces the running process by a new binary.
protocol UpgradeAuthority: Sendable {
    func upgrade(_ order: UpgradeOrder, _ reply: @escaping @Sendable (AdminResponse) -> Void)
}

struct UpgradeOrder: Sendable, Equatable {
    /// nil = the file that this process was started from.
    var binary: String?
    /// Until the new process has proved itself, or has been given up.
    static let patience = Duration.seconds(180)
    var conditions: OrderConditions
}

/// What every order that changes something may bring along.
struct OrderConditions: Sendable, Equatable {
    var isForced = false
    /// The epoch that the operator saw.
    var ifEpoch: UInt64?
    var reason: String?
    /// For the journal: see `ReleaseRecord.actor`.
    var actor: String
}
