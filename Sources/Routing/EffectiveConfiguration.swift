package import Config
package import Policy

/// The file with the release state laid over it: what the next snapshot is built from. A part of the release state that no longer fits gives way
/// to the file, for that service alone, and `notes` say so.
package struct EffectiveConfiguration: Sendable {
    package private(set) var configuration: Configuration
    /// Service and what of its release state has no effect.
    package private(set) var notes: [(service: String, text: String)] = []

    package init(_ file: Configuration, release: ReleaseState) {
        configuration = file
        for index in configuration.services.indices {
            let name = configuration.services[index].name
            let live = release[name]
            guard !live.isEmpty else { continue }
            notes += Self.lay(live, over: &configuration.services[index]).map { (name, $0) }
        }
        let known = Set(file.services.map(\.name))
        for name in release.services.keys.sorted() where !known.contains(name) {
            notes.append((name, "the file has no such service; its release state waits for it"))
        }
    }

    /// One service alone.
    package static func service(_ file: ServiceConfiguration, under live: ServiceRelease) -> ServiceConfiguration {
        var service = file
        _ = lay(live, over: &service)
        return service
    }

    // MARK: - Private

    /// Returns what could not be laid over.
    private static func lay(_ live: ServiceRelease, over service: inout ServiceConfiguration) -> [String] {
        var notes: [String] = []
        let pools = Set(service.pools.map(\.name))
        if let split = live.split {
            if let gone = split.first(where: { $0.partsPerMillion > 0 && !pools.contains($0.pool) }) {
                notes.append("the live split names pool \(gone.pool), which is gone; the file's split is in force")
            } else {
                service.split = split.filter { $0.partsPerMillion > 0 }.map {
                    PoolShare(pool: $0.pool, partsPerMillion: $0.partsPerMillion)
                }
            }
        }
        for index in service.pools.indices { notes += service.pools[index].lay(live) }
        for target in live.added where !pools.contains(target.pool) {
            notes.append("target \(target.address) was added to pool \(target.pool), which is gone")
        }
        for place in live.closed.map(\.place) where !pools.contains(place.pool) {
            notes.append("pool \(place.pool) was drained and is gone")
        }
        return notes
    }
}

extension PoolConfiguration {
    /// Returns what could not be laid over.
    fileprivate mutating func lay(_ live: ServiceRelease) -> [String] {
        var notes: [String] = []
        let pool = name
        targets.removeAll { live.removed.contains(ServiceRelease.Place(pool: pool, target: $0.text)) }
        for added in live.added where added.pool == pool && !targets.contains(where: { $0.text == added.address }) {
            do throws(TargetText) {
                var target = try TargetText.parse(added.address)
                target.weight = added.weight
                targets.append(target)
            } catch {
                notes.append("target \(added.address): \(error.message)")
            }
        }
        for index in targets.indices {
            let place = ServiceRelease.Place(pool: pool, target: targets[index].text)
            if let weight = live.weights.first(where: { $0.place == place })?.weight { targets[index].weight = weight }
        }
        return notes
    }
}

extension ServiceRelease {
    /// How a target is closed, by itself or with its whole pool; nil = ready.
    package func closed(pool: String, target: String) -> AdminState? {
        guard !closed.isEmpty else { return nil }
        let own = closed.first { $0.place == Place(pool: pool, target: target) }
        return own?.state ?? closed.first { $0.place == Place(pool: pool) }?.state
    }
}
