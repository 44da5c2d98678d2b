internal import Policy
internal import Routing

/// How a checked target stands.
struct HealthReport: Sendable, Equatable {
    var judge: HealthJudge
    /// Passes in a row that make it healthy again.
    var rise: Int
    /// Failures in a row that make it unhealthy.
    var fall: Int

    /// Why it takes no traffic, or the last result.
    var reason: String { judge.results.last?.reason ?? "no check has finished yet" }
}

/// A target's verdict changed.
struct HealthChange: Sendable {
    var identity: TargetIdentity
    var from: HealthJudge.State
    var to: HealthJudge.State
    var reason: String
    /// It was the last of its pool that could take traffic.
    var leavesPoolWithout: Bool
}

/// The same on the event stream.
struct HealthEvent: Sendable, Encodable {
    var pool: String
    /// As the operator wrote it.
    var target: String
    var from: HealthJudge.State
    var to: HealthJudge.State
    var reason: String

    init(_ change: HealthChange) {
        pool = change.identity.pool
        target = change.identity.text
        from = change.from
        to = change.to
        reason = change.reason
    }
}

/// What checks have found so far, for the process that takes over: so that an upgrade forgets nothing and nothing flaps.
struct HealthMemory: Sendable, Codable, Equatable {
    /// What makes it the same target there and here.
    struct Place: Sendable, Codable, Hashable, Comparable {
        var service: String
        var pool: String
        /// As the operator wrote it.
        var target: String
        /// As resolved.
        var address: String

        static func < (one: Place, other: Place) -> Bool {
            (one.service, one.pool, one.target, one.address) < (other.service, other.pool, other.target, other.address)
        }
    }

    struct Entry: Sendable, Codable, Equatable {
        var place: Place
        var judge: HealthJudge
    }

    /// Sorted by place.
    var entries: [Entry] = []
}

extension HealthStatus {
    init(_ report: HealthReport) {
        let judge = report.judge
        state = judge.state.rawValue
        since = WallClock(milliseconds: judge.since).rfc3339
        contrary = judge.contrary
        needed =
            switch judge.state {
            case .unknown: 1
            case .healthy: report.fall
            case .unhealthy: report.rise
            }
        checks = judge.results.map { result in
            CheckStatus(
                time: WallClock(milliseconds: result.time).rfc3339, ok: result.passed, reason: result.reason,
                // Microseconds are what a person may want to compare.
                milliseconds: Double(result.duration / .microseconds(1)) / 1000)
        }
    }
}
