internal import Config
internal import Policy

/// What outlives snapshots, by identity: targets, the positions of splits and pools. Belongs to the control plane and is used on its queue
/// alone. A snapshot that cannot be built leaves it as it was; one that was built must be published.
package final class TargetRegistry {
    /// What the last rebuild did to the set of targets.
    package struct Change {
        package var added: [Target] = []
        package var kept: [Target] = []
        /// No longer in the configuration. To be retired once every loop has acknowledged the new epoch.
        package var leaving: [Target] = []
        package init() {}
    }

    private struct PoolKey: Hashable {
        var service: String
        var pool: String
    }

    /// A pool's turns; worked out again only when a weight changes, as a long cycle takes longer than all the rest of a snapshot.
    struct Turns {
        var cursor: PoolCursor
        var weights: [Int]
        var sequence: SmoothSequence
    }

    /// A service's split, and how far it has come.
    private struct RunningSplit {
        /// Those that take something, in file order.
        var shares: [PoolShare]
        var position: SplitPosition
    }

    private var targets: [TargetIdentity: Target] = [:]
    /// Left, but perhaps still referenced by a snapshot, an exchange or a connection: their ordinals are taken.
    private var departed: [Target] = []
    private var services: [String: ServiceState] = [:]
    /// Services that left, as long as exchanges or snapshots hold them: one that comes back meanwhile counts on, so that what is in flight
    /// from before takes its places in `max_requests`.
    private var departedServices: [ServiceState] = []
    private var turns: [PoolKey: Turns] = [:]
    private var splits: [String: RunningSplit] = [:]
    private var freeOrdinals: [Int] = []
    private var numbers = Numbers()

    /// Numbers given so far.
    private struct Numbers {
        var nextOrdinal = 0
        var nextPool = 0
        /// 0 is nobody's.
        var nextSerial: UInt64 = 1
    }

    package private(set) var lastChange = Change()

    package init() {}

    /// Targets of the current configuration, in no particular order.
    package var current: [Target] { Array(targets.values) }
    /// Targets that left and still carry exchanges.
    package var draining: [Target] { departed.filter { $0.inFlight > 0 } }
    /// One more than the highest ordinal given so far: the size of a per-loop table.
    package var ordinalLimit: Int { numbers.nextOrdinal }

    package func state(of service: String) -> ServiceState? { services[service] }

    // MARK: - Rebuilding

    /// The first step of the next snapshot. Ordinals of departed targets that only this registry still knows become free.
    func beginRebuild() -> Rebuild {
        // The last change is over: it would hold on to the departed.
        lastChange = Change()
        recycle()
        return Rebuild(self)
    }

    private func recycle() {
        var index = 0
        while index < departed.count {
            if departed[index].isRetired && departed[index].inFlight == 0 && isKnownUniquelyReferenced(&departed[index]) {
                freeOrdinals.append(departed[index].ordinal)
                departed.remove(at: index)
            } else {
                index += 1
            }
        }
        freeOrdinals.sort(by: >)
        departedServices = departedServices.indices.filter { !isKnownUniquelyReferenced(&departedServices[$0]) }.map {
            departedServices[$0]
        }
    }

    /// The next content in the making: collects what the new snapshot wants, then replaces the former content whole.
    struct Rebuild {
        private let registry: TargetRegistry
        private var targets: [TargetIdentity: Target] = [:]
        private var services: [String: ServiceState] = [:]
        private var turns: [PoolKey: Turns] = [:]
        private var splits: [String: RunningSplit] = [:]
        private var freeOrdinals: [Int]
        private var numbers: Numbers
        private var change = Change()

        fileprivate init(_ registry: TargetRegistry) {
            self.registry = registry
            freeOrdinals = registry.freeOrdinals
            numbers = registry.numbers
        }

        mutating func target(_ identity: TargetIdentity, wire: TargetWire) -> Target {
            if let known = targets[identity] { return known }
            if let kept = registry.targets[identity], !kept.isRetired {
                targets[identity] = kept
                change.kept.append(kept)
                return kept
            }
            let added = Target(identity: identity, ordinal: takeOrdinal(), serial: numbers.nextSerial, wire: wire)
            numbers.nextSerial += 1
            targets[identity] = added
            change.added.append(added)
            return added
        }

        mutating func state(of service: String) -> ServiceState {
            let departed = registry.departedServices.first { $0.name == service }
            let state = services[service] ?? registry.services[service] ?? departed ?? ServiceState(name: service)
            services[service] = state
            return state
        }

        mutating func turns(service: String, pool: String, weights: [Int]) -> Turns {
            let key = PoolKey(service: service, pool: pool)
            var turns = turns[key] ?? registry.turns[key] ?? newTurns()
            if turns.weights != weights {
                turns.weights = weights
                turns.sequence = SmoothSequence(weights: weights)
            }
            self.turns[key] = turns
            return turns
        }

        /// Goes on where it was while the split is the same; another one begins anew.
        mutating func splitPosition(service: String, shares: [PoolShare]) -> SplitPosition {
            let shares = shares.filter { $0.partsPerMillion > 0 }
            var running = registry.splits[service] ?? RunningSplit(shares: shares, position: SplitPosition())
            if running.shares != shares { running = RunningSplit(shares: shares, position: SplitPosition()) }
            splits[service] = running
            return running.position
        }

        func commit() {
            // A dictionary's order is random: whoever retires and shows these should do so in a steady one.
            var change = change
            change.leaving = registry.targets.filter { targets[$0.key] !== $0.value }.values.sorted { $0.ordinal < $1.ordinal }
            registry.departed += change.leaving
            registry.targets = targets
            registry.departedServices.removeAll { services[$0.name] === $0 }
            registry.departedServices += registry.services.filter { services[$0.key] !== $0.value }.values
            registry.services = services
            registry.turns = turns
            registry.splits = splits
            registry.freeOrdinals = freeOrdinals
            registry.numbers = numbers
            registry.lastChange = change
        }

        private mutating func takeOrdinal() -> Int {
            if let free = freeOrdinals.popLast() { return free }
            defer { numbers.nextOrdinal += 1 }
            return numbers.nextOrdinal
        }

        private mutating func newTurns() -> Turns {
            defer { numbers.nextPool += 1 }
            return Turns(cursor: PoolCursor(ordinal: numbers.nextPool), weights: [], sequence: SmoothSequence(weights: []))
        }
    }
}
