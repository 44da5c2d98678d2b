/// What one check of a target came to.
package struct HealthResult: Sendable, Equatable, Codable {
    /// When it was known, in milliseconds since 1970.
    package var time: Int64
    package var passed: Bool
    /// "200", "status 503", "connect refused", "timeout": for people.
    package var reason: String
    /// From the start of the connect to the result.
    package var duration: Duration

    package init(time: Int64, passed: Bool, reason: String, duration: Duration) {
        self.time = time
        self.passed = passed
        self.reason = reason
        self.duration = duration
    }
}

/// Judges a target by its checks. Pure: results in, verdicts out; no clock, no socket.
///
/// The first result of a new target decides at once, so that a start costs one check and not three. From then on a verdict takes several
/// results in a row, so that one lost packet does not take a target out, nor one lucky answer bring it back.
package struct HealthJudge: Sendable, Equatable, Codable {
    package enum State: String, Sendable, Codable {
        /// No result yet: a new target gets no traffic. Next: `healthy`, `unhealthy`.
        case unknown
        /// Next: `unhealthy`, after `fall` failures in a row.
        case healthy
        /// Next: `healthy`, after `rise` passes in a row.
        case unhealthy
    }

    /// Results that are kept to be shown.
    package static let keptResults = 5

    package private(set) var state = State.unknown
    /// When this state began, in milliseconds since 1970.
    package private(set) var since: Int64
    /// Results in a row that speak against `state`.
    package private(set) var contrary = 0
    /// The last ones, oldest first; at most `keptResults`.
    package private(set) var results: [HealthResult] = []

    package init(since: Int64) { self.since = since }

    /// - Parameters:
    ///   - rise: passes in a row that make an unhealthy target healthy; at least 1.
    ///   - fall: failures in a row that make a healthy target unhealthy; at least 1.
    /// - Returns: the new state when this result changed it.
    package mutating func note(_ result: HealthResult, rise: Int, fall: Int) -> State? {
        results.append(result)
        if results.count > Self.keptResults { results.removeFirst(results.count - Self.keptResults) }
        let speaksFor: State = result.passed ? .healthy : .unhealthy
        guard state != speaksFor else {
            contrary = 0
            return nil
        }
        contrary = min(contrary, Int.max - 1) + 1
        let needed =
            switch state {
            case .unknown: 1
            case .healthy: fall
            case .unhealthy: rise
            }
        guard contrary >= needed else { return nil }
        state = speaksFor
        since = result.time
        contrary = 0
        return state
    }
}
