/// What commands do to a service's release state. Pure; each gives the next state in its one canonical form, so that equal states are equal.
extension ServiceRelease {
    /// Of a target.
    package static let allowedWeights = 1...1000

    /// These take no new exchanges any more.
    package func closing(_ places: [Place], as state: AdminState) -> ServiceRelease {
        var next = self
        next.closed.removeAll { places.contains($0.place) }
        next.closed += Set(places).map { ClosedPlace(place: $0, state: state) }
        next.closed.sort { $0.place < $1.place }
        return next
    }

    /// Ready again. A pool opens all of its targets; a target of a closed pool opens alone, and the pool's others stay closed each for itself.
    /// - Parameter targets: of each pool that is named by a target, all that it has now.
    package func opening(_ places: [Place], targets: (_ pool: String) -> [String] = { _ in [] }) -> ServiceRelease {
        var next = self
        for place in places {
            if let target = place.target {
                if let whole = next.closed.first(where: { $0.place == Place(pool: place.pool) }) {
                    next.closed.removeAll { $0.place == whole.place }
                    let others = targets(place.pool).filter { $0 != target }.map { Place(pool: place.pool, target: $0) }
                    next = next.closing(others.filter { other in !next.closed.contains { $0.place == other } }, as: whole.state)
                }
                next.closed.removeAll { $0.place == place }
            } else {
                next.closed.removeAll { $0.place.pool == place.pool }
            }
        }
        return next
    }

    /// One more target of a pool.
    /// - Parameter file: the pool's targets in the file: one that was removed comes back as the file's.
    package func adding(_ address: String, to pool: String, weight: Int, file: [String]) -> ServiceRelease {
        var next = self
        let place = Place(pool: pool, target: address)
        next.removed.removeAll { $0 == place }
        guard file.contains(address) else {
            next.added.removeAll { $0.pool == pool && $0.address == address }
            next.added.append(RuntimeTarget(pool: pool, address: address, weight: weight))
            return next
        }
        return weight == 1 ? next : next.weighing(place, weight)
    }

    /// One target less, whether the file has it or a command added it. What was said about it is forgotten.
    package func removing(_ place: Place, file: [String]) -> ServiceRelease {
        var next = self
        next.added.removeAll { $0.pool == place.pool && $0.address == place.target }
        next.weights.removeAll { $0.place == place }
        next.closed.removeAll { $0.place == place }
        if let target = place.target, file.contains(target), !next.removed.contains(place) {
            next.removed.append(place)
            next.removed.sort()
        }
        return next
    }

    package func weighing(_ place: Place, _ weight: Int) -> ServiceRelease {
        var next = self
        if let index = next.added.firstIndex(where: { $0.pool == place.pool && $0.address == place.target }) {
            next.added[index].weight = weight
            return next
        }
        next.weights.removeAll { $0.place == place }
        next.weights.append(PlaceWeight(place: place, weight: weight))
        next.weights.sort { $0.place < $1.place }
        return next
    }
}
