/// One line of the journal: what a command changed, or what came of it. Times and hashes are the journal's business.
package struct ReleaseRecord: Sendable, Equatable, Codable {
    package enum Body: Sendable, Equatable, Codable {
        /// On disk before it takes effect. `undoes`: the record that this one takes back.
        case change([ServiceChange], undoes: UInt64?)
        /// What became of record `of`: written after every loop answered.
        case receipt(of: UInt64, ReceiptSummary)
    }

    /// The whole of a service's release state before and after: so that a fold is an assignment, and an undo the reverse one.
    package struct ServiceChange: Sendable, Equatable, Codable {
        package var service: String
        package var before: ServiceRelease
        package var after: ServiceRelease
        package init(service: String, before: ServiceRelease, after: ServiceRelease) {
            self.service = service
            self.before = before
            self.after = after
        }
    }

    package struct ReceiptSummary: Sendable, Equatable, Codable {
        package var epoch: UInt64
        /// From publish to the acknowledgement of each loop, by index; nil = silent until the deadline.
        package var acknowledgedMicroseconds: [Int?]
        /// On the pools that lost traffic, when the receipt was written.
        package var inFlight: Int
        package init(epoch: UInt64, acknowledgedMicroseconds: [Int?], inFlight: Int) {
            self.epoch = epoch
            self.acknowledgedMicroseconds = acknowledgedMicroseconds
            self.inFlight = inFlight
        }
    }

    /// 1, 2, 3 …; never used twice.
    package var sequence: UInt64
    /// RFC 3339, UTC.
    package var time: String
    /// "uid 1000 (pid 4711)" by SO_PEERCRED, or "token NAME"; "signal" and "start" for what nobody ordered.
    package var actor: String
    /// The command as one would type it: "flip shop green".
    package var command: String
    package var reason: String?
    package var body: Body

    package init(sequence: UInt64, time: String, actor: String, command: String, reason: String?, body: Body) {
        self.sequence = sequence
        self.time = time
        self.actor = actor
        self.command = command
        self.reason = reason
        self.body = body
    }
}
