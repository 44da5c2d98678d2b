internal import Routing

/// A loop's kept-alive upstream connections, by target, the one used last on top. Confined to its loop.
///
/// Intrusive lists: putting and taking allocate nothing. A connection in here has no exchange; the peer's close, or bytes nobody asked
/// for, take it out and close it. What belongs to a retired target is closed when the loop takes the snapshot that retired it.
struct IdleConnections {
    private struct List {
        var first: UpstreamConnection?
        var count = 0
    }

    private var lists: [List] = []
    private(set) var count = 0

    mutating func take(_ target: Target) -> UpstreamConnection? {
        let ordinal = target.ordinal
        guard ordinal < lists.count, let connection = lists[ordinal].first.take() else { return nil }
        guard connection.target === target else {
            lists[ordinal].first = connection
            return nil
        }
        let next = connection.nextIdle.take()
        next?.previousIdle = nil
        lists[ordinal].first = next
        lists[ordinal].count -= 1
        count -= 1
        return connection
    }

    mutating func put(_ connection: UpstreamConnection) {
        let ordinal = connection.target.ordinal
        while lists.count <= ordinal { lists.append(List()) }
        lists[ordinal].first?.previousIdle = connection
        connection.nextIdle = lists[ordinal].first.take()
        lists[ordinal].first = connection
        lists[ordinal].count += 1
        count += 1
    }

    mutating func remove(_ connection: UpstreamConnection) { unlink(connection, connection.target.ordinal) }

    /// (ordinal, connections) of every target that has some.
    var counts: [(Int, Int)] { lists.indices.filter { lists[$0].count > 0 }.map { ($0, lists[$0].count) } }

    func count(of target: Target) -> Int { target.ordinal < lists.count ? lists[target.ordinal].count : 0 }

    // MARK: - Private

    fileprivate func last(_ ordinal: Int) -> UpstreamConnection? {
        var connection = lists[ordinal].first
        while let next = connection?.nextIdle { connection = next }
        return connection
    }

    fileprivate func oldest() -> UpstreamConnection? {
        for ordinal in lists.indices {
            if let connection = last(ordinal) { return connection }
        }
        return nil
    }

    fileprivate func all(where isWanted: (Target) -> Bool) -> [UpstreamConnection] {
        var found: [UpstreamConnection] = []
        for list in lists {
            var connection = list.first
            while let current = connection {
                if isWanted(current.target) { found.append(current) }
                connection = current.nextIdle
            }
        }
        return found
    }

    private mutating func unlink(_ connection: UpstreamConnection, _ ordinal: Int) {
        let next = connection.nextIdle
        if let previous = connection.previousIdle { previous.nextIdle = next } else { lists[ordinal].first = next }
        next?.previousIdle = connection.previousIdle
        connection.nextIdle = nil
        connection.previousIdle = nil
        lists[ordinal].count -= 1
        count -= 1
    }
}

extension Worker {
    func park(_ connection: UpstreamConnection) {
        if idle.count(of: connection.target) >= LoopSettings.idleUpstreamConnections { idle.last(connection.target.ordinal)?.close() }
        idle.put(connection)
    }

    /// Closing removes from `idle`, so what is to be closed is gathered first.
    func closeIdle(where isWanted: (Target) -> Bool) {
        for connection in idle.all(where: isWanted) { connection.close() }
        h2Upstreams.retire(where: isWanted)
    }

    func closeOldestIdle() -> Bool {
        guard let connection = idle.oldest() else { return h2Upstreams.closeOldestIdle() }
        connection.close()
        return true
    }
}
