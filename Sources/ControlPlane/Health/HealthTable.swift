internal import Config
internal import Net
internal import Policy
internal import Routing

/// Who is checked, and what the checks have found. Pure but for the targets' `isFailing`, which follows the verdicts here and nowhere else.
struct HealthTable {
    struct Start {
        var key: CheckKey
        var identity: TargetIdentity
        var wire: TargetWire
        var check: HealthConfiguration
    }

    struct Adoption {
        var starts: [Start] = []
        var stops: [ObjectIdentifier] = []
    }

    private struct Entry {
        let target: Target
        var check: HealthConfiguration
        var generation: UInt64
        var isInMaintenance: Bool
        var judge: HealthJudge
    }

    private var entries: [ObjectIdentifier: Entry] = [:]
    /// Targets of the last adoption that are not checked. Held, so that none of these ids is given to another object.
    private var unchecked: [ObjectIdentifier: Target] = [:]
    private var lastGeneration: UInt64 = 0

    /// What `orders` say is what is checked from now on. A new checked target takes no traffic until its first pass; one that takes
    /// traffic already goes on until a check says otherwise.
    mutating func adopt(_ orders: [HealthOrder], remembered: HealthMemory, now: Int64) -> Adoption {
        var adoption = Adoption()
        let former = entries
        let knownUnchecked = unchecked
        let remembered = remembered.byPlace
        entries = [:]
        unchecked = [:]
        for order in orders {
            let id = ObjectIdentifier(order.target)
            guard let check = order.check else {
                if former[id] != nil { order.target.setFailing(false) }
                unchecked[id] = order.target
                continue
            }
            guard entries[id] == nil else { continue }
            var entry: Entry
            if let kept = former[id] {
                entry = kept
                entry.isInMaintenance = order.isInMaintenance
                if kept.check != check { restart(&entry, check, &adoption) }
            } else {
                let judge = remembered[HealthMemory.Place(order.target.identity)] ?? HealthJudge(since: now)
                entry = Entry(target: order.target, check: check, generation: 0, isInMaintenance: order.isInMaintenance, judge: judge)
                let isServing = judge.state == .unknown ? knownUnchecked[id] != nil : judge.state == .healthy
                order.target.setFailing(!isServing)
                restart(&entry, check, &adoption)
            }
            entries[id] = entry
        }
        adoption.stops = former.keys.filter { entries[$0] == nil }
        return adoption
    }

    /// - Returns: a change of the verdict that somebody wants to hear of.
    mutating func note(_ result: HealthResult, of key: CheckKey) -> HealthChange? {
        guard var entry = entries[key.target], entry.generation == key.generation else { return nil }
        let former = entry.judge.state
        let state = entry.judge.note(result, rise: entry.check.rise, fall: entry.check.fall)
        entries[key.target] = entry
        guard let state else { return nil }
        entry.target.setFailing(state != .healthy)
        guard !entry.isInMaintenance else { return nil }
        return HealthChange(
            identity: entry.target.identity, from: former, to: state, reason: result.reason,
            leavesPoolWithout: state == .unhealthy && !hasHealthy(like: entry.target.identity))
    }

    func report(of target: Target) -> HealthReport? {
        guard let entry = entries[ObjectIdentifier(target)] else { return nil }
        return HealthReport(judge: entry.judge, rise: entry.check.rise, fall: entry.check.fall)
    }

    /// The longest time that the first result of one of these may take; nil when none is missing.
    func timeToFirstResults(of targets: [Target]) -> Duration? {
        let missing = targets.compactMap { entries[ObjectIdentifier($0)] }.filter { $0.judge.state == .unknown }
        return missing.map(\.check.timeout).max()
    }

    var targets: [Target] { entries.values.map(\.target) }

    var memory: HealthMemory {
        let known = entries.values.filter { $0.judge.state != .unknown }
        return HealthMemory(
            entries: known.map { HealthMemory.Entry(place: HealthMemory.Place($0.target.identity), judge: $0.judge) }
                .sorted { $0.place < $1.place })
    }

    // MARK: - Private

    private mutating func restart(_ entry: inout Entry, _ check: HealthConfiguration, _ adoption: inout Adoption) {
        lastGeneration += 1
        entry.check = check
        entry.generation = lastGeneration
        let key = CheckKey(target: ObjectIdentifier(entry.target), generation: lastGeneration)
        adoption.starts.append(Start(key: key, identity: entry.target.identity, wire: entry.target.wire, check: check))
    }

    private func hasHealthy(like identity: TargetIdentity) -> Bool {
        entries.values.contains { entry in
            let other = entry.target.identity
            return other.service == identity.service && other.pool == identity.pool && !entry.target.isFailing
        }
    }
}

extension HealthMemory {
    fileprivate var byPlace: [Place: HealthJudge] {
        Dictionary(entries.map { ($0.place, $0.judge) }) { first, _ in first }
    }
}

extension HealthMemory.Place {
    fileprivate init(_ identity: TargetIdentity) {
        self.init(service: identity.service, pool: identity.pool, target: identity.text, address: identity.address.description)
    }
}
