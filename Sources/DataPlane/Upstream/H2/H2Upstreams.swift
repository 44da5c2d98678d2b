internal import HTTP
internal import Net
internal import Routing

/// A loop's HTTP/2 connections to targets, and which of them takes the next stream: the fullest that has room, so that as few as possible
/// are kept. Confined to its loop.
final class H2Upstreams {
    private struct Row {
        /// Whose row it is.
        var serial: UInt64 = 0
        var connections: [H2UpstreamConnection] = []
        /// Streams that the target allowed last; 0 = it has not said.
        var known = 0
        /// No spare connection is tried before.
        var nextSpare = Instant(nanoseconds: 0)
    }

    /// By `Target.ordinal`. A connection keeps its target alive, so a row with connections has one owner.
    @exclusivity(unchecked) private var rows: [Row] = []
    /// From `keepTrailers` to `endBody`, which follows in the same call.
    let trailers = H2FieldList()

    private static let sparePause = TimeSpan.milliseconds(1000)

    /// A stream of the connection that should have the next request.
    /// - Parameter fresh: only of one that has not served yet: another has just died.
    /// - Returns: nil when the target cannot be reached at all.
    func stream(to target: Target, worker: Worker, timeout: TimeSpan, fresh: Bool) -> H2UpstreamStream? {
        own(target)
        let known = rows[target.ordinal].known
        var best: H2UpstreamConnection?
        var bestRoom = Int.max
        var others = 0
        for connection in rows[target.ordinal].connections where connection.target === target {
            let room = connection.room(known: known)
            guard room > 0, !fresh || !connection.hasServed else { continue }
            if room < bestRoom { (best, bestRoom) = (connection, room) }
            others += 1
        }
        if let best {
            // Nine tenths full, and nothing to follow: the next one is begun while this one still takes streams.
            if others == 1, bestRoom <= best.activeStreams / 9 { beginSpare(target, worker, timeout) }
            return best.state == .closed ? nil : best.makeStream()
        }
        return dial(target, worker, timeout)?.makeStream()
    }

    /// The peer allows so many streams at once.
    func learned(_ limit: Int, of target: Target) {
        own(target)
        rows[target.ordinal].known = limit
    }

    func remove(_ connection: H2UpstreamConnection) {
        let ordinal = connection.target.ordinal
        guard ordinal < rows.count else { return }
        rows[ordinal].connections.removeAll { $0 === connection }
    }

    /// Lets go of targets that are not to be used any more: idle connections close, busy ones open no stream and close with their last.
    func retire(where isWanted: (Target) -> Bool) {
        for connection in all where isWanted(connection.target) {
            if connection.isIdle { connection.closeIdle() } else { connection.retire() }
        }
    }

    /// The loop ends.
    func closeAll() {
        for connection in all { connection.closeAtOnce() }
    }

    /// Makes room for a descriptor. False when none is idle.
    func closeOldestIdle() -> Bool {
        guard let oldest = all.filter(\.isIdle).min(by: { $0.times.idleSince < $1.times.idleSince }) else { return false }
        oldest.closeIdle()
        return true
    }

    /// (ordinal, idle connections) of every target that has some.
    var idleCounts: [(Int, Int)] {
        rows.indices.map { ($0, rows[$0].connections.count(where: \.isIdle)) }.filter { $0.1 > 0 }
    }

    /// For heads that carry our own fields beside those of a client that used its limits up.
    func headLimits(_ worker: Worker) -> HeadLimits {
        HeadLimits(bytes: worker.settings.limits.bytes + Worker.headRoom, fields: worker.requestFields.capacity)
    }

    // MARK: - Private

    private func own(_ target: Target) {
        while rows.count <= target.ordinal { rows.append(Row()) }
        guard rows[target.ordinal].serial != target.serial, rows[target.ordinal].connections.isEmpty else { return }
        rows[target.ordinal] = Row(serial: target.serial)
    }

    private var all: [H2UpstreamConnection] { rows.flatMap(\.connections) }

    private func dial(_ target: Target, _ worker: Worker, _ timeout: TimeSpan) -> H2UpstreamConnection? {
        guard let connection = H2UpstreamConnection.dial(target, worker: worker, timeout: timeout) else { return nil }
        rows[target.ordinal].connections.append(connection)
        return connection
    }

    private func beginSpare(_ target: Target, _ worker: Worker, _ timeout: TimeSpan) {
        guard worker.loop.now >= rows[target.ordinal].nextSpare else { return }
        rows[target.ordinal].nextSpare = worker.loop.now + Self.sparePause
        _ = dial(target, worker, timeout)
    }
}
