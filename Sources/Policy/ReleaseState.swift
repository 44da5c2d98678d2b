/// What commands changed, as opposed to what the file says (DESIGN §3): a fold over the journal's records, never touched by a reload.
///
/// A service's part that no longer fits the file (a pool is gone) gives way to the file, for that service alone.
package struct ReleaseState: Sendable, Equatable {
    /// By service name; a service that no command has touched has no entry.
    package private(set) var services: [String: ServiceRelease] = [:]
    package init() {}

    package subscript(service: String) -> ServiceRelease {
        get { services[service] ?? ServiceRelease() }
        set { services[service] = newValue.isEmpty ? nil : newValue }
    }

    /// The next state by one record. Records that only tell (receipts) change nothing.
    package mutating func apply(_ record: ReleaseRecord) {
        guard case .change(let changes, _) = record.body else { return }
        for change in changes { self[change.service] = change.after }
    }
}

/// What commands changed about one service.
package struct ServiceRelease: Sendable, Equatable, Codable {
    /// The live split; nil = the file's.
    package var split: [Share]?
    /// The split that ruled before the last change of it: what `rollback` goes back to.
    package var previousSplit: [Share]?
    /// Set = new requests are held.
    package var pause: PauseOrder?
    /// Targets and whole pools that take no new exchanges. Sorted by place; absent = ready.
    package var closed: [ClosedPlace] = []
    /// Targets added at run time, beside the file's.
    package var added: [RuntimeTarget] = []
    /// Targets of the file that were removed at run time. Sorted.
    package var removed: [Place] = []
    /// Weights set at run time. Sorted by place.
    package var weights: [PlaceWeight] = []

    package init() {}

    package var isEmpty: Bool { self == ServiceRelease() }

    package struct Share: Sendable, Equatable, Codable {
        package var pool: String
        package var partsPerMillion: UInt32
        package init(pool: String, partsPerMillion: UInt32) {
            self.pool = pool
            self.partsPerMillion = partsPerMillion
        }
    }

    /// A pool of the service, or one target of it.
    package struct Place: Sendable, Hashable, Codable, Comparable {
        package var pool: String
        /// As the operator wrote it; nil = the whole pool.
        package var target: String?
        package init(pool: String, target: String? = nil) {
            self.pool = pool
            self.target = target
        }
        package static func < (one: Place, other: Place) -> Bool {
            (one.pool, one.target ?? "") < (other.pool, other.target ?? "")
        }
    }

    /// `draining` ends when an operator says so; `maintenance` is the same to traffic, and also stops the health checks' alarms.
    package enum AdminState: String, Sendable, Codable { case draining, maintenance }

    package struct ClosedPlace: Sendable, Equatable, Codable {
        package var place: Place
        package var state: AdminState
        package init(place: Place, state: AdminState) {
            self.place = place
            self.state = state
        }
    }

    package struct RuntimeTarget: Sendable, Equatable, Codable {
        package var pool: String
        package var address: String
        package var weight: Int
        package init(pool: String, address: String, weight: Int = 1) {
            self.pool = pool
            self.address = address
            self.weight = weight
        }
    }

    package struct PlaceWeight: Sendable, Equatable, Codable {
        package var place: Place
        package var weight: Int
        package init(place: Place, weight: Int) {
            self.place = place
            self.weight = weight
        }
    }
}

/// New requests of a service are held: so many, so many bytes, each for so long; the next gets 503.
package struct PauseOrder: Sendable, Equatable, Codable {
    /// How long one request may be held.
    package var maxWaitMilliseconds: Int
    /// Requests held at once, all loops together.
    package var requests: Int
    /// Bytes of heads and early bodies held at once, all loops together.
    package var bytes: Int
    package init(maxWaitMilliseconds: Int, requests: Int, bytes: Int) {
        self.maxWaitMilliseconds = maxWaitMilliseconds
        self.requests = requests
        self.bytes = bytes
    }
}
