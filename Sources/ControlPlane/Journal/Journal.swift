internal import Glibc
internal import Net
internal import Policy

/// The durable log of release state (docs/journal.md): a record is on disk before its command takes effect, or the command fails and nothing
/// has changed. Confined to the control queue.
final class Journal {
    struct Limits: Sendable {
        /// Records kept for `history` and `undo`, in memory and over a compaction.
        var kept = 1000
        /// Beyond either of these the file is written anew. A start reads about 25 records in a millisecond.
        var records = 2000
        var bytes = 4 * 1024 * 1024
        /// Zeros written ahead: inside them fdatasync has no new size and no new blocks to record, which halves its time (docs/decisions).
        var ahead = 128 * 1024
    }

    /// What was found at start, for the operator log.
    struct Recovery: Sendable, Equatable {
        /// Records read.
        var records = 0
        /// What was wrong with the file's tail; nil = nothing.
        var damage: String?
        /// The damaged bytes: never deleted.
        var movedTo: String?
        /// Why the journal takes no records for now; each command tries again. Nil = it does.
        var trouble: String?
    }

    private let directory: String
    private let path: String
    private let disk: JournalDisk
    private let limits: Limits
    private var window: RecordWindow
    /// Closed when this journal goes.
    private var descriptor: FileDescriptor?
    /// Where the next line goes. Behind it are zeros up to `allocated`.
    private var end = 0
    private var allocated = 0
    /// Records in the file.
    private var count = 0
    /// Set = what is in the file is not certain: it must be written anew before it takes a record.
    private var failure: String?
    /// Damaged bytes that still have to be saved before the file may be written.
    private var damaged: ArraySlice<UInt8> = []
    /// Why the last attempt to compact came to nothing; the journal goes on growing meanwhile.
    private(set) var compactionFailure: String?
    /// Beyond so many records or bytes the file is written anew.
    private var nextCompaction: (records: Int, bytes: Int)

    /// Opens the journal in `directory`, or begins one.
    static func open(
        directory: String, disk: JournalDisk = .system, limits: Limits = Limits()
    ) throws(JournalError) -> (Journal, ReleaseState, recovered: Recovery) {
        let path = directory + "/journal"
        let opened = disk.open(path, O_RDWR)
        guard opened >= 0 || opened == -Int(ENOENT) else { throw .unreadable(path: path, reason: JournalDisk.reason(opened)) }
        var descriptor: FileDescriptor? = opened >= 0 ? FileDescriptor(owning: Int32(clamping: opened)) : nil
        var bytes: [UInt8] = []
        if opened >= 0 {
            switch disk.read(Int32(clamping: opened)) {
            case .bytes(let read): bytes = read
            case .failure(let reason): throw .unreadable(path: path, reason: reason)
            }
        }
        let reader = try JournalReader(bytes, path: path, kept: limits.kept)
        let journal = Journal(directory: directory, disk: disk, limits: limits, reader: reader)
        swap(&journal.descriptor, &descriptor)
        journal.allocated = bytes.count
        var recovery = Recovery(records: reader.count, damage: reader.damage)
        if reader.damage != nil { journal.damaged = bytes[reader.end..<((bytes.lastIndex { $0 != 0 }).map { $0 + 1 } ?? reader.end)] }
        if reader.end == 0 || reader.damage != nil {
            journal.failure = reader.damage ?? "it does not exist yet"
            do { recovery.movedTo = try journal.repair() } catch { recovery.trouble = error.message }
        }
        return (journal, journal.window.state, recovery)
    }

    /// The release state as the file has it, for whoever only looks: takes no lock, mends nothing. Nil when it cannot be read.
    static func peek(directory: String, disk: JournalDisk = .system) -> ReleaseState? {
        let path = directory + "/journal"
        let opened = disk.open(path, O_RDONLY)
        guard opened >= 0 else { return nil }
        let descriptor = FileDescriptor(owning: Int32(clamping: opened))
        guard case .bytes(let bytes) = disk.read(descriptor.raw) else { return nil }
        return (try? JournalReader(bytes, path: path, kept: 1))?.window.state
    }

    private init(directory: String, disk: JournalDisk, limits: Limits, reader: JournalReader) {
        self.directory = directory
        path = directory + "/journal"
        self.disk = disk
        self.limits = limits
        window = reader.window
        end = reader.end
        count = reader.count
        nextCompaction = (limits.records, limits.bytes)
    }

    // MARK: - Reading

    /// The number of the record that comes next.
    var nextSequence: UInt64 { window.nextSequence ?? .max }

    /// Newest first, of the last ones (`Limits.kept`). - Parameter service: nil = all; a receipt belongs to the services of its change.
    func records(service: String?, limit: Int) -> [ReleaseRecord] { window.records(service: service, limit: limit) }

    /// The state right after record `sequence`; 0 = before the first. Nil when it is older than what is kept, or not there yet.
    func state(after sequence: UInt64) -> ReleaseState? { window.state(after: sequence) }

    /// The newest change that neither was taken back nor takes one back itself: so repeated `undo` walks back.
    func newestUndoable() -> ReleaseRecord? { window.newestUndoable() }

    /// The highest epoch that a receipt tells of: a process that starts goes on behind it, so that no epoch is used twice for two switches.
    var newestEpoch: UInt64 { window.newestEpoch }

    // MARK: - Writing

    /// On disk when it returns. When it throws, the record was not taken and nothing has changed.
    func append(_ record: ReleaseRecord) throws(JournalError) {
        try write(record, durably: true)
        // Usually receipts see to it, after the command has been carried out.
        compact(patience: 2)
    }

    /// Handed to the kernel when it returns, so it survives the process; it survives a power failure with the next `append`. For receipts.
    func appendUnsynced(_ record: ReleaseRecord) throws(JournalError) {
        try write(record, durably: false)
        compact(patience: 1)
    }

    // MARK: - Private: one record

    private func write(_ record: ReleaseRecord, durably: Bool) throws(JournalError) {
        guard let next = window.nextSequence, record.sequence == next else {
            throw .outOfTurn(expected: nextSequence, found: record.sequence)
        }
        if failure == nil, let descriptor = descriptor?.raw, disk.stands(descriptor, path) <= 0 {
            failure = "\(path) was removed or replaced while in use"
        }
        _ = try repair()
        guard let descriptor = descriptor?.raw else { throw .unusable(reason: "there is no file") }
        let line = try JournalLine(record, previous: window.hash)
        try put(line.bytes, descriptor)
        if durably {
            let synced = disk.sync(descriptor)
            guard synced >= 0 else {
                // The kernel tells a failed write-back once, drops the pages and says yes the next time. So this file is not asked again.
                takeBack(descriptor)
                failure = JournalDisk.reason(synced)
                throw .cannotWrite(reason: JournalDisk.reason(synced))
            }
        }
        end += line.bytes.count
        count += 1
        window.append(record, hash: line.hash, length: line.bytes.count)
    }

    /// The whole line with one call, with zeros behind it when it is the first to need more room.
    private func put(_ line: [UInt8], _ descriptor: Int32) throws(JournalError) {
        let length = end + line.count
        var written = 0
        if length > allocated && limits.ahead > 0 {
            let wanted = (length / limits.ahead + 1) * limits.ahead
            written = disk.write(descriptor, line + [UInt8](repeating: 0, count: wanted - length), end)
            if written == wanted - end {
                allocated = wanted
                return
            }
            takeBack(descriptor)
        }
        // On a disk that has little left, without the zeros.
        written = disk.write(descriptor, line, end)
        guard written == line.count else {
            takeBack(descriptor)
            throw .cannotWrite(reason: written < 0 ? JournalDisk.reason(written) : JournalDisk.reason(-Int(ENOSPC)))
        }
        allocated = max(allocated, length)
    }

    /// What a failed write left behind must not be read at the next start.
    private func takeBack(_ descriptor: Int32) {
        let truncated = disk.truncate(descriptor, end)
        if truncated >= 0 { allocated = end } else { failure = JournalDisk.reason(truncated) }
    }

    // MARK: - Private: the whole file

    /// After a failure: saves what is damaged, then writes the file anew. Nothing to do otherwise.
    /// - Returns: where the damaged part is now.
    private func repair() throws(JournalError) -> String? {
        guard let reason = failure else { return nil }
        var movedTo: String?
        do throws(JournalError) {
            if !damaged.isEmpty { movedTo = try saveDamaged() }
            damaged = []
            try rewrite()
        } catch {
            guard case .cannotWrite(let now) = error else { throw error }
            throw .unusable(reason: now == reason ? reason : "\(reason) (\(now))")
        }
        failure = nil
        return movedTo
    }

    private func saveDamaged() throws(JournalError) -> String {
        let name = "\(path).damaged-\(WallClock.now().rfc3339)"
        for attempt in 0..<100 {
            let place = attempt == 0 ? name : "\(name).\(attempt)"
            let opened = disk.open(place, O_WRONLY | O_CREAT | O_EXCL)
            if opened == -Int(EEXIST) { continue }
            do throws(JournalError) {
                let file = FileDescriptor(owning: Int32(clamping: try done(opened)))
                guard try done(disk.write(file.raw, Array(damaged), 0)) == damaged.count else { throw full }
                _ = try done(disk.sync(file.raw))
                _ = try done(disk.syncFolder(directory))
                return place
            } catch {
                if opened >= 0 { _ = disk.remove(place) }
                throw error
            }
        }
        throw .cannotWrite(reason: "no free name beside \(name)")
    }

    private func compact(patience: Int) {
        guard count > nextCompaction.records * patience || end > nextCompaction.bytes * patience else { return }
        do throws(JournalError) {
            try rewrite()
            compactionFailure = nil
            // What is kept may be longer than the limit by itself.
            nextCompaction = (max(limits.records, count * 2), max(limits.bytes, end * 2))
        } catch {
            // The old file is good; tried again when it has doubled.
            compactionFailure = error.message
            nextCompaction = (max(nextCompaction.records, count * 2), max(nextCompaction.bytes, end * 2))
        }
    }

    /// Writes the file anew beside the old one and puts it in its place: a crash at any instant leaves the one or the other.
    private func rewrite() throws(JournalError) {
        var lines = try keptLines()
        let isBased = window.baseSequence > 0
        let base = isBased ? try JournalLine(base: window.base, after: window.baseSequence, previous: window.baseHash).bytes : []
        lines = JournalLine.header(basedOn: isBased ? window.baseSequence : nil) + base + lines
        let length = lines.count
        if limits.ahead > 0 { lines += [UInt8](repeating: 0, count: (length / limits.ahead + 1) * limits.ahead - length) }

        let temporary = path + ".new"
        let opened = try done(disk.open(temporary, O_RDWR | O_CREAT | O_TRUNC))
        var file: FileDescriptor? = FileDescriptor(owning: Int32(clamping: opened))
        do throws(JournalError) {
            guard try done(disk.write(Int32(clamping: opened), lines, 0)) == lines.count else { throw full }
            _ = try done(disk.sync(Int32(clamping: opened)))
            _ = try done(disk.rename(temporary, path))
        } catch {
            _ = disk.remove(temporary)
            throw error
        }
        swap(&descriptor, &file)
        end = length
        allocated = lines.count
        count = window.count
        // Until the name is on disk the old file may come back, without what would be written now.
        let synced = disk.syncFolder(directory)
        if synced < 0 {
            failure = JournalDisk.reason(synced)
            throw .cannotWrite(reason: JournalDisk.reason(synced))
        }
    }

    /// The lines of the records to keep, as they stand in the file, checked once more.
    private func keptLines() throws(JournalError) -> [UInt8] {
        window.shrink()
        guard let descriptor = descriptor?.raw, window.count > 0 else { return [] }
        guard case .bytes(let bytes) = disk.read(descriptor), bytes.count >= end, window.length <= end else {
            throw .cannotWrite(reason: "\(path) cannot be read back")
        }
        let kept = bytes[(end - window.length)..<end]
        var last: String?
        for line in kept.split(separator: UInt8(ascii: "\n")) {
            guard let (hash, _) = JournalLine.verified(line) else { throw .cannotWrite(reason: "\(path) reads back damaged") }
            last = hash
        }
        guard last == window.hash else { throw .cannotWrite(reason: "\(path) reads back damaged") }
        return Array(kept)
    }

    private var full: JournalError { .cannotWrite(reason: JournalDisk.reason(-Int(ENOSPC))) }

    private func done(_ answer: Int) throws(JournalError) -> Int {
        guard answer >= 0 else { throw .cannotWrite(reason: JournalDisk.reason(answer)) }
        return answer
    }
}
