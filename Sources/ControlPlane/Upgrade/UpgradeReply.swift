/// What the command gets.
struct UpgradeReply: Encodable {
    var outcome = "done"
    var exitCode: Int32 = 0
    var pid: Int32
    var version: String
    var epoch: UInt64
    var milliseconds: Int

    init(_ proof: UpgradeAttempt.Proof, milliseconds: Int) {
        pid = proof.pid
        version = proof.version
        epoch = proof.epoch
        self.milliseconds = milliseconds
    }
}

/// `data` of the event "upgrade".
struct UpgradeEvent: Encodable {
    /// "done", "failed".
    var outcome: String
    var actor: String?
    var reason: String?
    var detail: String?
    /// The process that hands over, told by the one that took over.
    var formerPID: Int32?
    var version: String?

    init(_ outcome: String, _ conditions: OrderConditions? = nil, detail: String? = nil) {
        self.outcome = outcome
        actor = conditions?.actor
        reason = conditions?.reason
        self.detail = detail
    }

    init(from former: HandoverState) {
        outcome = "done"
        formerPID = former.pid
        version = Version.text
    }
}
