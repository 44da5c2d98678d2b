internal import Policy

/// `GET /v1/history`: the journal's changes, newest first, each with what came of it.
struct HistoryReport: Encodable {
    struct Entry: Encodable {
        struct Change: Encodable {
            var service: String
            var before: ReleaseReport
            var after: ReleaseReport
        }

        struct Outcome: Encodable {
            var epoch: UInt64
            /// From the publish to each loop's acknowledgement; null = silent until the deadline.
            var acknowledgedMicroseconds: [Int?]
            var inFlight: Int
        }

        var sequence: UInt64
        var time: String
        var actor: String
        var command: String
        var reason: String?
        /// The record that this one took back.
        var undoes: UInt64?
        var changes: [Change]
        /// Absent: the process ended before it was known.
        var receipt: Outcome?
    }

    var records: [Entry]

    /// - Parameter records: in any order; receipts find their changes.
    init(_ records: [ReleaseRecord], of service: String?, limit: Int) {
        var receipts: [UInt64: ReleaseRecord.ReceiptSummary] = [:]
        for record in records { if case .receipt(let sequence, let summary) = record.body { receipts[sequence] = summary } }
        let entries = records.compactMap { Entry($0, receipts[$0.sequence]) }
        self.records = Array(
            entries.filter { entry in service == nil || entry.changes.contains { $0.service == service } }
                .sorted { $0.sequence > $1.sequence }.prefix(limit))
    }
}

extension HistoryReport.Entry {
    fileprivate init?(_ record: ReleaseRecord, _ receipt: ReleaseRecord.ReceiptSummary?) {
        guard case .change(let changes, let undoes) = record.body else { return nil }
        sequence = record.sequence
        time = record.time
        actor = record.actor
        command = record.command
        reason = record.reason
        self.undoes = undoes
        self.changes = changes.map { Change(service: $0.service, before: ReleaseReport($0.before), after: ReleaseReport($0.after)) }
        self.receipt = receipt.map {
            Outcome(epoch: $0.epoch, acknowledgedMicroseconds: $0.acknowledgedMicroseconds, inFlight: $0.inFlight)
        }
    }
}

/// What commands changed about a service, in the words of the API.
package struct ReleaseReport: Encodable, Sendable {
    package struct Pause: Encodable, Sendable {
        package var maxWaitMilliseconds: Int
        package var requests: Int
        package var bytes: Int
    }

    package struct Closed: Encodable, Sendable {
        /// "POOL" or "POOL/ADDRESS".
        package var place: String
        /// "draining" or "maintenance".
        package var state: String
    }

    package struct Added: Encodable, Sendable {
        package var pool: String
        package var address: String
        package var weight: Int
    }

    package struct Weight: Encodable, Sendable {
        package var place: String
        package var weight: Int
    }

    /// Percent by pool; absent = the file's.
    package var split: [String: Double]?
    package var previousSplit: [String: Double]?
    package var pause: Pause?
    package var closed: [Closed]
    package var added: [Added]
    package var removed: [String]
    package var weights: [Weight]

    init(_ release: ServiceRelease) {
        split = release.split.map(Self.percent)
        previousSplit = release.previousSplit.map(Self.percent)
        pause = release.pause.map { Pause(maxWaitMilliseconds: $0.maxWaitMilliseconds, requests: $0.requests, bytes: $0.bytes) }
        closed = release.closed.map { Closed(place: Self.text($0.place), state: $0.state.rawValue) }
        added = release.added.map { Added(pool: $0.pool, address: $0.address, weight: $0.weight) }
        removed = release.removed.map(Self.text)
        weights = release.weights.map { Weight(place: Self.text($0.place), weight: $0.weight) }
    }

    private static func percent(_ shares: [ServiceRelease.Share]) -> [String: Double] {
        Dictionary(shares.map { ($0.pool, Double($0.partsPerMillion) / 10_000) }) { first, _ in first }
    }

    private static func text(_ place: ServiceRelease.Place) -> String { place.target.map { "\(place.pool)/\($0)" } ?? place.pool }
}
