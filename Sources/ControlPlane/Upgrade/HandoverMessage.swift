/// What the two processes of an upgrade say to each other (LIFECYCLE.md). One packet each; members that a kind has no use for are left out, and
/// members that a version does not know are passed over.
struct HandoverMessage: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable {
        /// Old: what follows, in a memory file. First message.
        case state
        /// Old: descriptors, in the order of the state's list.
        case sockets
        /// New: accepting on every loop.
        case ready
        /// New: will not; `lines` say why.
        case failed
        /// Old: no loop of ours accepts any more.
        case release
        /// New: took over. From here on the old process does not go back.
        case owned
        /// Old: takes no order any more.
        case confirmed
        /// New: this release state rules under `epoch`; in a memory file.
        case follow
        /// Old: it rules on our loops too.
        case followed
        /// New: how many of your exchanges are on the targets named by `lines`?
        case holding
        /// Old: `count` are.
        case held
        /// Old: gives up; the new process is to end.
        case abandoned
    }

    /// Raised when an older process could no longer make sense of what is said.
    static let format = 1

    var format = Self.format
    var kind: Kind
    /// For the operator.
    var lines: [String]?
    /// What the command exits with (DESIGN §5.2).
    var exitCode: Int32?
    var pid: Int32?
    var version: String?
    var epoch: UInt64?
    var count: Int?

    init(_ kind: Kind) { self.kind = kind }

    static func failed(_ lines: [String], exitCode: Int32) -> HandoverMessage {
        var message = HandoverMessage(.failed)
        // A packet holds no novel.
        message.lines = lines.prefix(20).map { String($0.prefix(500)) }
        message.exitCode = exitCode
        return message
    }
}

/// What the old process hands over, beside what the journal says.
struct HandoverState: Codable, Equatable, Sendable {
    /// What a passed descriptor is.
    struct Socket: Codable, Equatable, Sendable {
        enum Role: String, Codable, Sendable { case listener, admin, adminTCP, lock }
        var role: Role
        /// Name of the listener, and its address as in the file.
        var listener: String?
        var text: String?
        /// Made by the service manager: its file is not ours to remove.
        var isForeign = false
    }

    struct Turns: Codable, Equatable, Sendable {
        var service: String
        var pool: String
        var place: UInt64
    }

    var pid: Int32
    var version: String
    var epoch: UInt64
    var stateDirectory: String
    var adminSocket: String
    /// In the order in which the descriptors come.
    var sockets: [Socket] = []
    /// Places in the services' split sequences.
    var splits: [String: UInt64] = [:]
    var turns: [Turns] = []
    /// What the checks know of targets.
    var health: HealthMemory?
    /// `TicketKeys.exported`: a secret, never to be logged.
    var ticketKeys: [UInt8]?
}
