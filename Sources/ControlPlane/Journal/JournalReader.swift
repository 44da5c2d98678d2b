internal import FoundationEssentials
internal import Policy

/// Reads a journal's bytes up to the first place where they stop making sense.
struct JournalReader {
    private(set) var window: RecordWindow
    /// Records in the file.
    private(set) var count = 0
    /// Where the sound part ends.
    private(set) var end = 0
    /// Why it ends there; nil when nothing but preallocated zeros is behind it.
    private(set) var damage: String?

    private let path: String
    private let kept: Int

    /// - Parameter bytes: the file; empty or all zeros = a new one.
    init(_ bytes: [UInt8], path: String, kept: Int) throws(JournalError) {
        self.path = path
        self.kept = kept
        window = RecordWindow(kept: kept)
        let used = (bytes.lastIndex { $0 != 0 }).map { $0 + 1 } ?? 0
        guard used > 0 else { return }
        try read(bytes[..<used])
        guard end < used, damage == nil else { return }
        damage = "the last line is torn"
    }

    // MARK: - Private

    private mutating func read(_ bytes: ArraySlice<UInt8>) throws(JournalError) {
        var number = 0
        var basedOn: UInt64?
        while let newline = bytes[end...].firstIndex(of: UInt8(ascii: "\n")) {
            number += 1
            let line = bytes[end..<newline]
            if number == 1 {
                basedOn = try header(line).basedOn
            } else if let reason = try record(line, number: number) {
                damage = "line \(number): \(reason)"
                break
            }
            end = newline + 1
        }
        if number == 0 { _ = try header(bytes) }
        guard basedOn == nil || window.baseSequence > 0 || window.count > 0 else {
            throw .unsound(path: path, line: 2, reason: "the base that all later records build on is damaged")
        }
    }

    private func header(_ line: ArraySlice<UInt8>) throws(JournalError) -> JournalLine.Header {
        guard let header = JournalLine.header(line) else { throw .unsound(path: path, line: 1, reason: "not the first line of a journal") }
        guard header.format == JournalLine.format else { throw .unknownFormat(path: path, found: "\(header.format)") }
        return header
    }

    /// What is wrong with the line; nil = taken. What is sound by its hash and still not understood was written by another version: it is
    /// no damage, and the way on is not to lose it.
    private mutating func record(_ line: ArraySlice<UInt8>, number: Int) throws(JournalError) -> String? {
        guard let (hash, body) = JournalLine.verified(line) else { return "contents and hash differ" }
        let wire: WireLine
        do { wire = try JSONDecoder().decode(WireLine.self, from: body) } catch { throw foreign(number, "\(error)") }
        if let base = wire.base {
            guard number == 2 else { return "a base among the records" }
            window = RecordWindow(kept: kept, base: base.state, sequence: base.sequence, hash: wire.previous)
            return nil
        }
        guard let record = wire.record?.value else { throw foreign(number, "neither a change nor a receipt") }
        guard wire.previous == window.hash else { return "does not follow the record before it" }
        guard record.sequence == window.nextSequence else { return "has number \(record.sequence)" }
        window.append(record, hash: hash, length: line.count + 1)
        count += 1
        return nil
    }

    private func foreign(_ line: Int, _ reason: String) -> JournalError {
        .unsound(path: path, line: line, reason: "sound, but not of this version (\(reason))")
    }
}
