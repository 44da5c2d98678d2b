internal import Policy

/// The newest records in memory, and the state before the oldest of them.
struct RecordWindow {
    private struct Entry {
        var record: ReleaseRecord
        var hash: String
        /// Of its line in the file.
        var length: Int
    }

    /// After everything.
    private(set) var state: ReleaseState
    /// Before the oldest record here.
    private(set) var base: ReleaseState
    /// The newest record that is no longer here; 0 = all are.
    private(set) var baseSequence: UInt64
    private(set) var baseHash: String
    /// Of all lines here, in the file; they are its last ones.
    private(set) var length = 0
    private var entries: [Entry] = []
    private let kept: Int

    /// - Parameter kept: as many records stay for sure.
    init(kept: Int, base: ReleaseState = ReleaseState(), sequence: UInt64 = 0, hash: String = JournalLine.noHash) {
        self.kept = max(1, kept)
        self.base = base
        state = base
        baseSequence = sequence
        baseHash = hash
    }

    var count: Int { entries.count }
    /// Of the newest record.
    var hash: String { entries.last?.hash ?? baseHash }
    /// Nil when the numbers have come to their end.
    var nextSequence: UInt64? {
        let (next, overflow) = (entries.last?.record.sequence ?? baseSequence).addingReportingOverflow(1)
        return overflow ? nil : next
    }

    mutating func append(_ record: ReleaseRecord, hash: String, length: Int) {
        state.apply(record)
        entries.append(Entry(record: record, hash: hash, length: length))
        self.length += length
        // Not one by one: each time the rest moves up.
        if entries.count >= kept + kept / 2 + 1 { forget(entries.count - kept) }
    }

    /// The highest epoch that a receipt here tells of; 0 = none does.
    var newestEpoch: UInt64 {
        entries.reduce(0) { highest, entry in
            if case .receipt(_, let summary) = entry.record.body { max(highest, summary.epoch) } else { highest }
        }
    }

    /// Drops what is beyond the number to keep.
    mutating func shrink() { forget(max(0, entries.count - kept)) }

    /// Newest first.
    func records(service: String?, limit: Int) -> [ReleaseRecord] {
        var found: [ReleaseRecord] = []
        // A receipt belongs to the services of its change, which is older.
        var receipts: [UInt64: [ReleaseRecord]] = [:]
        for entry in entries.reversed() where found.count < limit {
            guard let service else {
                found.append(entry.record)
                continue
            }
            switch entry.record.body {
            case .receipt(let of, _): receipts[of, default: []].append(entry.record)
            case .change(let changes, _):
                guard changes.contains(where: { $0.service == service }) else { continue }
                found += receipts[entry.record.sequence] ?? []
                found.append(entry.record)
            }
        }
        found.sort { $0.sequence > $1.sequence }
        return Array(found.prefix(max(0, limit)))
    }

    /// The state right after record `sequence`; 0 = before the first. Nil when it is older than what is kept, or not there yet.
    func state(after sequence: UInt64) -> ReleaseState? {
        guard sequence >= baseSequence, sequence <= entries.last?.record.sequence ?? baseSequence else { return nil }
        var state = base
        for entry in entries where entry.record.sequence <= sequence { state.apply(entry.record) }
        return state
    }

    /// The newest change that neither was taken back nor takes one back itself.
    func newestUndoable() -> ReleaseRecord? {
        var undone: Set<UInt64> = []
        for entry in entries.reversed() {
            guard case .change(_, let undoes) = entry.record.body else { continue }
            if let undoes {
                undone.insert(undoes)
            } else if !undone.contains(entry.record.sequence) {
                return entry.record
            }
        }
        return nil
    }

    // MARK: - Private

    private mutating func forget(_ count: Int) {
        guard count > 0, let newest = entries.prefix(count).last else { return }
        for entry in entries.prefix(count) {
            base.apply(entry.record)
            length -= entry.length
        }
        baseSequence = newest.record.sequence
        baseHash = newest.hash
        entries.removeFirst(count)
    }
}
