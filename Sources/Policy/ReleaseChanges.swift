/// What the file has of a service, as far as commands must know.
package struct FileService: Sendable, Equatable {
    package struct Target: Sendable, Equatable {
        /// As the operator wrote it.
        package var address: String
        package var weight: Int
        package init(address: String, weight: Int = 1) {
            self.address = address
            self.weight = weight
        }
    }

    package struct Pool: Sendable, Equatable {
        package var name: String
        package var targets: [Target]
        package init(name: String, targets: [Target]) {
            self.name = name
            self.targets = targets
        }
    }

    /// In the file's order.
    package var pools: [Pool]
    package var split: [ServiceRelease.Share]

    package init(pools: [Pool], split: [ServiceRelease.Share]) {
        self.pools = pools
        self.split = split
    }

    package func target(_ pool: String, _ address: String) -> Target? {
        pools.first { $0.name == pool }?.targets.first { $0.address == address }
    }
}

/// Why a change cannot be: the state stays what it was.
package enum ReleaseRefusal: Error, Equatable, Sendable {
    case unknownPool(String)
    case unknownTarget(ServiceRelease.Place)
    /// It is in the pool already.
    case duplicateTarget(ServiceRelease.Place)
    case noPreviousSplit
    /// Not one of two pools has all the traffic, so "the other one" has no meaning.
    case noOtherPool
    case weightOutOfRange(Int)
    /// Its whole pool is closed: opening one target of it would change nothing.
    case poolIsClosed(ServiceRelease.Place)
}

/// Each returns the service's next state; the same state when it is so already.
extension ServiceRelease {
    package static let allowedWeights = 1...1000

    package func liveSplit(_ file: FileService) -> [Share] { split ?? file.split }

    // MARK: - Split

    /// Also when the live split is the same and the file's: from then on it is an operator's, and a changed file does not change it.
    package func settingSplit(_ shares: [Share], file: FileService) throws(ReleaseRefusal) -> ServiceRelease {
        try requirePools(shares, file)
        var next = self
        if liveSplit(file) != shares { next.previousSplit = liveSplit(file) }
        next.split = shares
        return next
    }

    /// The file's split becomes the live one, and follows the file from then on.
    package func adoptingFile(_ file: FileService) -> ServiceRelease {
        var next = self
        if liveSplit(file) != file.split { next.previousSplit = liveSplit(file) }
        next.split = nil
        return next
    }

    /// Back to the split before the last change of it; once more = forth again.
    package func rollingBack(_ file: FileService) throws(ReleaseRefusal) -> ServiceRelease {
        guard let previousSplit else { throw .noPreviousSplit }
        try requirePools(previousSplit, file)
        var next = self
        next.split = previousSplit
        next.previousSplit = liveSplit(file)
        return next
    }

    /// For a flip that names no pool: the one of two that has no traffic.
    package func otherPool(_ file: FileService) throws(ReleaseRefusal) -> String {
        let live = liveSplit(file).filter { $0.partsPerMillion > 0 }
        guard file.pools.count == 2, live.count == 1, let other = file.pools.first(where: { $0.name != live.first?.pool }) else {
            throw .noOtherPool
        }
        return other.name
    }

    // MARK: - Places

    /// A place that is closed already takes the new state.
    package func closing(_ places: [Place], as state: AdminState, file: FileService) throws(ReleaseRefusal) -> ServiceRelease {
        for place in places { try requirePlace(place, file) }
        var next = self
        next.closed.removeAll { places.contains($0.place) }
        next.closed += Set(places).map { ClosedPlace(place: $0, state: state) }
        next.closed.sort { $0.place < $1.place }
        return next
    }

    /// Opening a pool opens its targets too.
    package func opening(_ places: [Place], file: FileService) throws(ReleaseRefusal) -> ServiceRelease {
        let pools = places.filter { $0.target == nil }.map(\.pool)
        for place in places {
            try requirePlace(place, file)
            let isPoolClosed = closed.contains { $0.place == Place(pool: place.pool) }
            if place.target != nil && isPoolClosed && !pools.contains(place.pool) { throw .poolIsClosed(place) }
        }
        var next = self
        next.closed.removeAll { places.contains($0.place) || pools.contains($0.place.pool) }
        return next
    }

    // MARK: - Targets

    /// A target of the file that was removed before comes back.
    package func addingTarget(_ address: String, to pool: String, weight: Int = 1, file: FileService) throws(ReleaseRefusal)
        -> ServiceRelease
    {
        try requireWeight(weight)
        guard file.pools.contains(where: { $0.name == pool }) else { throw .unknownPool(pool) }
        let place = Place(pool: pool, target: address)
        guard !has(place, file) else { throw .duplicateTarget(place) }
        var next = self
        if let target = file.target(pool, address) {
            next.removed.removeAll { $0 == place }
            if target.weight != weight { next.setWeight(weight, of: place) }
        } else {
            next.added.append(RuntimeTarget(pool: pool, address: address, weight: weight))
            next.added.sort { ($0.pool, $0.address) < ($1.pool, $1.address) }
        }
        return next
    }

    /// One that was added at run time is gone without a trace; one of the file is left out as long as the file has it. What was said of it
    /// (closed, weight) goes with it.
    package func removingTarget(_ address: String, from pool: String, file: FileService) throws(ReleaseRefusal) -> ServiceRelease {
        let place = Place(pool: pool, target: address)
        try requirePlace(place, file)
        var next = self
        next.added.removeAll { $0.pool == pool && $0.address == address }
        next.closed.removeAll { $0.place == place }
        next.weights.removeAll { $0.place == place }
        if file.target(pool, address) != nil {
            next.removed.removeAll { $0 == place }
            next.removed.append(place)
            next.removed.sort()
        }
        return next
    }

    package func settingWeight(_ weight: Int, of address: String, in pool: String, file: FileService) throws(ReleaseRefusal)
        -> ServiceRelease
    {
        try requireWeight(weight)
        let place = Place(pool: pool, target: address)
        try requirePlace(place, file)
        var next = self
        if let index = added.firstIndex(where: { $0.pool == pool && $0.address == address }) {
            next.added[index].weight = weight
        }
        // Also when it was added at run time first and is in the file by now.
        if file.target(pool, address) != nil { next.setWeight(weight, of: place) }
        return next
    }

    // MARK: - Pause

    package func pausing(_ order: PauseOrder) -> ServiceRelease {
        var next = self
        next.pause = order
        return next
    }

    package func resuming() -> ServiceRelease {
        var next = self
        next.pause = nil
        return next
    }

    // MARK: - Private

    private mutating func setWeight(_ weight: Int, of place: Place) {
        weights.removeAll { $0.place == place }
        weights.append(PlaceWeight(place: place, weight: weight))
        weights.sort { $0.place < $1.place }
    }

    /// Whether the target is in its pool, by the file or by a command.
    private func has(_ place: Place, _ file: FileService) -> Bool {
        guard let target = place.target else { return false }
        if added.contains(where: { $0.pool == place.pool && $0.address == target }) { return true }
        return file.target(place.pool, target) != nil && !removed.contains(place)
    }

    private func requirePlace(_ place: Place, _ file: FileService) throws(ReleaseRefusal) {
        guard file.pools.contains(where: { $0.name == place.pool }) else { throw .unknownPool(place.pool) }
        guard place.target == nil || has(place, file) else { throw .unknownTarget(place) }
    }

    private func requirePools(_ shares: [Share], _ file: FileService) throws(ReleaseRefusal) {
        for share in shares where !file.pools.contains(where: { $0.name == share.pool }) { throw .unknownPool(share.pool) }
    }

    private func requireWeight(_ weight: Int) throws(ReleaseRefusal) {
        guard Self.allowedWeights.contains(weight) else { throw .weightOutOfRange(weight) }
    }
}
