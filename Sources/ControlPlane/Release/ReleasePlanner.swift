internal import Config
internal import Policy
internal import Routing

/// From a command to its plan, by the file and the release state of now. Pure: reads the journal, touches nothing.
struct ReleasePlanner {
    /// As the operator wrote it.
    let file: Configuration
    let release: ReleaseState
    let journal: Journal

    func plan(_ command: ReleaseCommand) throws(ReleaseRefusal) -> ReleasePlan {
        switch command {
        case .flip(let service, let pool, let wait): try flip(service, pool, wait)
        case .split(let service, let shares, let wait): try split(service, shares, wait)
        case .adoptFile(let service): try adoptFile(service)
        case .rollback(let service): try rollback(service)
        case .pause(let service, let maxWait, let requests, let bytes, let wait):
            try pause(service, maxWait: maxWait, requests: requests, bytes: bytes, wait: wait)
        case .resume(let service, let ramp): try resume(service, ramp)
        case .close(let service, let places, let state, let wait): try close(service, places, as: state, wait)
        case .open(let service, let places): try open(service, places)
        case .addTarget(let service, let pool, let address, let weight): try add(service, pool, address, weight)
        case .removeTarget(let service, let pool, let address, let wait): try remove(service, pool, address, wait)
        case .setWeight(let service, let pool, let address, let weight): try weigh(service, pool, address, weight)
        case .undo(let sequence): try undo(to: sequence)
        case .deploy(let order): try prepare(order)
        }
    }

    /// The texts of the targets that a pool has now.
    func targets(of pool: String, in service: String) -> [String] {
        effective(service)?.pools.first { $0.name == pool }?.targets.map(\.text) ?? []
    }

    // MARK: - What there is

    func configured(_ service: String) throws(ReleaseRefusal) -> ServiceConfiguration {
        if let found = file.services.first(where: { $0.name == service }) { return found }
        let names = file.services.map(\.name).joined(separator: ", ")
        throw ReleaseRefusal(.notFound, "no-such-service", "there is no service \(service)", hint: "services: \(names)")
    }

    @discardableResult
    func known(_ pool: String, of service: ServiceConfiguration) throws(ReleaseRefusal) -> PoolConfiguration {
        if let found = service.pools.first(where: { $0.name == pool }) { return found }
        let names = service.pools.map(\.name).joined(separator: ", ")
        throw ReleaseRefusal(.notFound, "no-such-pool", "service \(service.name) has no pool \(pool)", hint: "pools: \(names)")
    }

    /// The service as it is live: release state over file.
    func effective(_ service: String) -> ServiceConfiguration? {
        file.services.first { $0.name == service }.map { EffectiveConfiguration.service($0, under: release[service]) }
    }

    func liveShares(_ service: ServiceConfiguration) -> [ServiceRelease.Share] {
        (effective(service.name) ?? service).split.map { ServiceRelease.Share(pool: $0.pool, partsPerMillion: $0.partsPerMillion) }
    }

    /// One service's change; none when it is so already.
    func change(
        _ service: String, to after: ServiceRelease, _ command: String, watch: ReleasePlan.Watch = .nothing, wait: Duration? = nil
    ) -> ReleasePlan {
        let before = release[service]
        let changes = before == after ? [] : [ReleaseRecord.ServiceChange(service: service, before: before, after: after)]
        return ReleasePlan(changes: changes, services: [service], command: command, watch: watch, wait: wait)
    }

    // MARK: - Undo

    private func undo(to sequence: UInt64?) throws(ReleaseRefusal) -> ReleasePlan {
        if let sequence { return try undo(backTo: sequence) }
        guard let record = journal.newestUndoable(), case .change(let changes, _) = record.body else {
            throw ReleaseRefusal(.notFound, "nothing-to-undo", "the journal has no change that could be taken back")
        }
        let back = changes.map { change in
            ReleaseRecord.ServiceChange(service: change.service, before: release[change.service], after: change.before)
        }
        return ReleasePlan(
            changes: back.filter { $0.before != $0.after }, undoes: record.sequence, services: changes.map(\.service), command: "undo",
            watch: .idlePools, notes: ["takes back \(record.sequence): \(record.command)"])
    }

    private func undo(backTo sequence: UInt64) throws(ReleaseRefusal) -> ReleasePlan {
        guard sequence < journal.nextSequence, let target = journal.state(after: sequence) else {
            throw ReleaseRefusal(
                .notFound, "no-such-record", "the journal does not tell the state after record \(sequence)",
                hint: "`sluice history` lists the records that it has; 0 = before the first")
        }
        let services = Set(release.services.keys).union(target.services.keys).sorted()
        let changes = services.filter { release[$0] != target[$0] }.map {
            ReleaseRecord.ServiceChange(service: $0, before: release[$0], after: target[$0])
        }
        return ReleasePlan(
            changes: changes, services: changes.map(\.service), command: "undo --to \(sequence)", watch: .idlePools)
    }
}
