internal import Policy
internal import Routing

/// `data` of the event "reload".
struct ReloadEvent: Encodable {
    /// "changed", "unchanged", "unconfirmed", "refused".
    var outcome: String
    var epoch: UInt64
    var diff: [String]?
    var error: String?
    var actor: String
    var reason: String?

    init(_ result: Reload.Outcome, epoch: UInt64, _ conditions: OrderConditions) {
        self.epoch = epoch
        actor = conditions.actor
        reason = conditions.reason
        switch result {
        case .unchanged: outcome = "unchanged"
        case .changed(let lines, _):
            outcome = "changed"
            diff = lines
        case .unconfirmed(let silent, let lines, _):
            outcome = "unconfirmed"
            diff = lines
            error = "loops \(silent.map(String.init).joined(separator: ", ")) did not confirm in time"
        case .refused(let refusal):
            outcome = "refused"
            error = refusal.detail
        }
    }
}

/// `data` of the event "shutdown".
struct ShutdownEvent: Encodable {
    var mode: String
    var actor: String
    var reason: String?
}

extension OrderConditions {
    /// Nobody asked over the admin API.
    static let signal = OrderConditions(actor: "signal")
}

/// A target's checks came to another verdict.
struct HealthEvent: Encodable {
    var pool: String
    var target: String
    var from: String
    var to: String
    var reason: String
    /// It was the last of its pool that could take traffic.
    var leavesPoolWithout: Bool

    init(_ change: HealthChange) {
        pool = change.identity.pool
        target = change.identity.text
        from = change.from.rawValue
        to = change.to.rawValue
        reason = change.reason
        leavesPoolWithout = change.leavesPoolWithout
    }
}
