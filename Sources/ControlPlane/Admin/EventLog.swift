internal import Synchronization

/// The last thousand things that happened, for whoever follows `GET /v1/events`. Any thread; nobody who posts waits for who reads.
package final class EventLog: Sendable {
    package enum Kind: String, Sendable, Encodable { case release, reload, health, upgrade, shutdown, certificate }

    /// One event as it goes over the wire (the server-sent events of the HTML standard, §9.2).
    private struct Slot {
        var wire: [UInt8] = []
    }

    private struct State {
        /// Event `id` lies at `id % capacity`.
        var slots: [Slot]
        /// Of the oldest event held, and of the next one to come: equal while there is none.
        var oldest: UInt64
        var next: UInt64
        var watchers: [@Sendable () -> Void] = []
    }

    private struct Envelope<Content: Encodable>: Encodable {
        var id: UInt64
        /// RFC 3339.
        var time: String
        var type: Kind
        var service: String?
        var data: Content
    }

    private static let longestData = 32 * 1024

    private let capacity: Int
    private let state: Mutex<State>

    /// - Parameter first: id of the first event. By default it comes from the clock, so that ids of a former process are below all of ours
    ///   and a client that resumes is told of the gap.
    package init(capacity: Int = 1000, first: UInt64 = UInt64(clamping: WallClock.now().milliseconds)) {
        self.capacity = max(1, capacity)
        state = Mutex(State(slots: Array(repeating: Slot(), count: max(1, capacity)), oldest: first, next: first))
    }

    /// - Parameter data: what is worth telling; an object, encoded with snake_case keys.
    package func post(_ kind: Kind, service: String? = nil, data: some Encodable & Sendable) {
        let time = WallClock.now().rfc3339
        let watchers = state.withLock { state -> [@Sendable () -> Void] in
            let id = state.next
            var line = AdminResponse.encodeLine(Envelope(id: id, time: time, type: kind, service: service, data: data))
            if line.count > Self.longestData {
                line = AdminResponse.encodeLine(Envelope(id: id, time: time, type: kind, service: service, data: ["truncated": true]))
            }
            state.slots[Int(id % UInt64(capacity))].wire = Self.block(id: id, name: kind.rawValue, data: line)
            state.next = id &+ 1
            if state.next &- state.oldest > UInt64(capacity) { state.oldest = state.next &- UInt64(capacity) }
            return state.watchers
        }
        for watcher in watchers { watcher() }
    }

    /// `watcher` runs after every post, on the thread that posted.
    func watch(_ watcher: @escaping @Sendable () -> Void) { state.withLock { $0.watchers.append(watcher) } }

    /// Everything after `position`, whole events up to about `room` bytes; moves the position.
    func read(after position: inout Position, room: Int) -> [UInt8] {
        state.withLock { state in
            var wire: [UInt8] = []
            var id = start(position, state, &wire)
            while id < state.next && wire.count < room {
                wire += state.slots[Int(id % UInt64(capacity))].wire
                id += 1
            }
            position = .after(id &- 1)
            return wire
        }
    }

    /// A place in the stream.
    enum Position: Sendable, Equatable {
        /// What comes from now on.
        case newest
        /// Everything that is held.
        case oldest
        /// What came after this event.
        case after(UInt64)
    }

    // MARK: - Private

    /// The id to go on with; a gap is put into words.
    private func start(_ position: Position, _ state: State, _ wire: inout [UInt8]) -> UInt64 {
        switch position {
        case .newest: return state.next
        case .oldest: return state.oldest
        case .after(let id):
            let wanted = id &+ 1
            if wanted >= state.oldest && wanted <= state.next && wanted > id { return wanted }
            let data = "{\"after\":\(id),\"next\":\(state.oldest)}"
            wire += Self.block(id: state.oldest &- 1, name: "missed", data: Array(data.utf8))
            return state.oldest
        }
    }

    private static func block(id: UInt64, name: String, data: [UInt8]) -> [UInt8] {
        Array("id: \(id)\nevent: \(name)\ndata: ".utf8) + data + Array("\n\n".utf8)
    }
}

/// One reader's way through the log: pulled when its socket takes more, so that a slow reader holds one portion and no queue.
struct EventFeed: Sendable {
    /// A comment now and then, for whoever stands between and closes what is silent.
    static let keepAlive = Duration.seconds(15)
    private static let portion = 16 * 1024

    private let log: EventLog
    private var position: EventLog.Position
    private var lastSent = ContinuousClock.now

    init(log: EventLog, from position: EventLog.Position) {
        self.log = log
        self.position = position
    }

    /// Empty when there is nothing to tell.
    mutating func next(_ now: ContinuousClock.Instant) -> [UInt8] {
        var wire = log.read(after: &position, room: Self.portion)
        if wire.isEmpty && now - lastSent >= Self.keepAlive { wire = Array(": keep-alive\n\n".utf8) }
        if !wire.isEmpty { lastSent = now }
        return wire
    }
}
