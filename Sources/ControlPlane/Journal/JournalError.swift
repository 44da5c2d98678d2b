/// Why the journal cannot be read or did not take a record. Each says what an operator can do.
enum JournalError: Error, Equatable, Sendable {
    /// No permission, a folder in its place, a bad disk: at start.
    case unreadable(path: String, reason: String)
    /// Another version wrote it. At start; nothing was touched.
    case unknownFormat(path: String, found: String)
    /// What all else builds on (first line, base) is damaged or not a journal's, so no prefix is worth having. At start; nothing was touched.
    case unsound(path: String, line: Int, reason: String)
    /// The record was not taken, and the file is as it was.
    case cannotWrite(reason: String)
    /// As before, and no record will be taken until the file could be written anew, which each further command tries.
    case unusable(reason: String)
    /// The caller's mistake: a record out of turn.
    case outOfTurn(expected: UInt64, found: UInt64)

    var message: String {
        switch self {
        case .unreadable(let path, let reason): "the journal \(path) cannot be read: \(reason)"
        case .unknownFormat(let path, let found):
            "the journal \(path) has format \(found), this version knows format \(JournalLine.format): start the version that wrote it, "
                + "or move the file away to begin with what the configuration says"
        case .unsound(let path, let line, let reason):
            "the journal \(path) is not usable, line \(line): \(reason); restore it, or move the file away to begin with what the "
                + "configuration says"
        case .cannotWrite(let reason): "the journal cannot be written: \(reason)"
        case .unusable(let reason): "the journal cannot be written since a failure: \(reason)"
        case .outOfTurn(let expected, let found): "record \(found) where \(expected) was due; nothing was changed"
        }
    }
}
