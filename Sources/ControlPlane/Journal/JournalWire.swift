internal import Policy

/// The journal's JSON, format 1: apart from the types in memory, so that these can change while files written long ago are still understood.
/// What is empty is left out; what is missing is empty.
struct WireLine: Codable {
    /// The hash of the record before; for a base, of the last record that it stands for.
    var previous: String
    var base: WireBase?
    var record: WireRecord?
}

/// The state after record `sequence`, instead of all records up to it.
struct WireBase: Codable {
    var sequence: UInt64
    var services: [String: WireRelease]

    init(_ state: ReleaseState, after sequence: UInt64) {
        self.sequence = sequence
        services = state.services.mapValues { WireRelease($0) }
    }

    var state: ReleaseState {
        var state = ReleaseState()
        for (name, release) in services { state[name] = release.value }
        return state
    }
}

struct WireRecord: Codable {
    struct Change: Codable {
        var service: String
        var before: WireRelease
        var after: WireRelease
    }

    struct Receipt: Codable {
        var of: UInt64
        var epoch: UInt64
        var acknowledged: [Int?]
        var inFlight: Int
        enum CodingKeys: String, CodingKey {
            case of, epoch
            case acknowledged = "acknowledged_us"
            case inFlight = "in_flight"
        }
    }

    var sequence: UInt64
    var time: String
    var actor: String
    var command: String
    var reason: String?
    var changes: [Change]?
    var undoes: UInt64?
    var receipt: Receipt?

    init(_ record: ReleaseRecord) {
        sequence = record.sequence
        time = record.time
        actor = record.actor
        command = record.command
        reason = record.reason
        switch record.body {
        case .change(let changes, let undoes):
            self.changes = changes.map { Change(service: $0.service, before: WireRelease($0.before), after: WireRelease($0.after)) }
            self.undoes = undoes
        case .receipt(let of, let summary):
            receipt = Receipt(
                of: of, epoch: summary.epoch, acknowledged: summary.acknowledgedMicroseconds, inFlight: summary.inFlight)
        }
    }

    /// Nil when it is neither a change nor a receipt.
    var value: ReleaseRecord? {
        let body: ReleaseRecord.Body
        if let changes {
            body = .change(
                changes.map { .init(service: $0.service, before: $0.before.value, after: $0.after.value) }, undoes: undoes)
        } else if let receipt {
            body = .receipt(
                of: receipt.of,
                .init(epoch: receipt.epoch, acknowledgedMicroseconds: receipt.acknowledged, inFlight: receipt.inFlight))
        } else {
            return nil
        }
        return ReleaseRecord(sequence: sequence, time: time, actor: actor, command: command, reason: reason, body: body)
    }
}

struct WireRelease: Codable {
    struct Share: Codable {
        var pool: String
        var ppm: UInt32
    }

    struct Pause: Codable {
        var maxWait: Int
        var requests: Int
        var bytes: Int
        enum CodingKeys: String, CodingKey {
            case maxWait = "max_wait_ms"
            case requests, bytes
        }
    }

    /// A place, and what is said of it.
    struct Entry: Codable {
        var pool: String
        var target: String?
        var state: ServiceRelease.AdminState?
        var weight: Int?
    }

    var split: [Share]?
    var previousSplit: [Share]?
    var pause: Pause?
    var closed: [Entry]?
    var added: [Entry]?
    var removed: [Entry]?
    var weights: [Entry]?

    enum CodingKeys: String, CodingKey {
        case split, pause, closed, added, removed, weights
        case previousSplit = "previous_split"
    }

    init(_ release: ServiceRelease) {
        split = release.split?.map { Share(pool: $0.pool, ppm: $0.partsPerMillion) }
        previousSplit = release.previousSplit?.map { Share(pool: $0.pool, ppm: $0.partsPerMillion) }
        pause = release.pause.map { Pause(maxWait: $0.maxWaitMilliseconds, requests: $0.requests, bytes: $0.bytes) }
        closed = Self.listed(release.closed.map { Entry(pool: $0.place.pool, target: $0.place.target, state: $0.state) })
        added = Self.listed(release.added.map { Entry(pool: $0.pool, target: $0.address, weight: $0.weight) })
        removed = Self.listed(release.removed.map { Entry(pool: $0.pool, target: $0.target) })
        weights = Self.listed(release.weights.map { Entry(pool: $0.place.pool, target: $0.place.target, weight: $0.weight) })
    }

    var value: ServiceRelease {
        var release = ServiceRelease()
        release.split = split?.map { .init(pool: $0.pool, partsPerMillion: $0.ppm) }
        release.previousSplit = previousSplit?.map { .init(pool: $0.pool, partsPerMillion: $0.ppm) }
        release.pause = pause.map { PauseOrder(maxWaitMilliseconds: $0.maxWait, requests: $0.requests, bytes: $0.bytes) }
        release.closed = (closed ?? []).map { .init(place: .init(pool: $0.pool, target: $0.target), state: $0.state ?? .draining) }
        release.added = (added ?? []).map { .init(pool: $0.pool, address: $0.target ?? "", weight: $0.weight ?? 1) }
        release.removed = (removed ?? []).map { .init(pool: $0.pool, target: $0.target) }
        release.weights = (weights ?? []).map { .init(place: .init(pool: $0.pool, target: $0.target), weight: $0.weight ?? 1) }
        return release
    }

    private static func listed(_ entries: [Entry]) -> [Entry]? { entries.isEmpty ? nil : entries }
}
