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
