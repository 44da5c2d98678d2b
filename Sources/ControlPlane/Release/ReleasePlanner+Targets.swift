internal import Config
internal import Policy

/// drain, undrain, target, and the targets of a deployment.
extension ReleasePlanner {
    typealias Place = ServiceRelease.Place

    func close(
        _ service: String, _ places: [Place], as state: ServiceRelease.AdminState, _ wait: Duration?
    ) throws(ReleaseRefusal) -> ReleasePlan {
        try know(places, of: service)
        let after = release[service].closing(places, as: state)
        let verb = state == .maintenance ? "drain --maintenance" : "drain"
        return change(service, to: after, "\(verb) \(Self.text(places, of: service))", watch: .places(places), wait: wait)
    }

    func open(_ service: String, _ places: [Place]) throws(ReleaseRefusal) -> ReleasePlan {
        try know(places, of: service)
        return change(
            service, to: release[service].opening(places) { targets(of: $0, in: service) }, "undrain \(Self.text(places, of: service))")
    }

    func add(_ service: String, _ pool: String, _ address: String, _ weight: Int) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(service)
        let file = try known(pool, of: configured)
        try Self.check(address: address)
        try Self.check(weight: weight)
        let command = "target add \(service)/\(pool) \(address)"
        guard !targets(of: pool, in: service).contains(address) else {
            throw ReleaseRefusal(
                .conflict, "already-there", "\(service)/\(pool) has a target \(address) already",
                hint: "`sluice target weight` changes its weight")
        }
        return change(service, to: release[service].adding(address, to: pool, weight: weight, file: file.targets.map(\.text)), command)
    }

    func remove(_ service: String, _ pool: String, _ address: String, _ wait: Duration?) throws(ReleaseRefusal) -> ReleasePlan {
        let place = Place(pool: pool, target: address)
        try know([place], of: service)
        return change(
            service, to: release[service].removing(place, file: fileTargets(of: pool, in: service)),
            "target remove \(service)/\(pool) \(address)", watch: .places([place]), wait: wait)
    }

    func weigh(_ service: String, _ pool: String, _ address: String, _ weight: Int) throws(ReleaseRefusal) -> ReleasePlan {
        let place = Place(pool: pool, target: address)
        try know([place], of: service)
        try Self.check(weight: weight)
        return change(
            service, to: release[service].weighing(place, weight), "target weight \(service)/\(pool) \(address) \(weight)")
    }

    /// The pool has all the traffic, and its targets are those of the order.
    func isDeployed(_ order: DeployOrder) -> Bool {
        guard let service = file.services.first(where: { $0.name == order.service }) else { return false }
        return liveShares(service).map(\.pool) == [order.pool] && !order.targets.isEmpty
            && Set(targets(of: order.pool, in: order.service)) == Set(order.targets)
    }

    /// The pool that a blue-green deployment will flip to, made of the given targets. It must have no traffic: nobody may see a half-made pool.
    func prepare(_ order: DeployOrder) throws(ReleaseRefusal) -> ReleasePlan {
        let configured = try configured(order.service)
        let file = try known(order.pool, of: configured)
        guard !liveShares(configured).contains(where: { $0.pool == order.pool }) else {
            throw ReleaseRefusal(
                .conflict, "pool-in-use", "pool \(order.pool) of \(order.service) has traffic",
                hint: "deploy to a pool without traffic, or use --strategy rolling")
        }
        let present = targets(of: order.pool, in: order.service)
        var after = release[order.service].opening([Place(pool: order.pool)])
        for address in order.targets where !present.contains(address) {
            try Self.check(address: address)
            after = after.adding(address, to: order.pool, weight: 1, file: file.targets.map(\.text))
        }
        if !order.targets.isEmpty {
            for address in present where !order.targets.contains(address) {
                after = after.removing(Place(pool: order.pool, target: address), file: file.targets.map(\.text))
            }
        }
        return change(order.service, to: after, "deploy \(order.service) --to \(order.pool): targets")
    }

    /// New ones in, old ones out, one at a time; what is to stay is not touched.
    func rollingSteps(_ order: DeployOrder) throws(ReleaseRefusal) -> [RollingStep] {
        try known(order.pool, of: configured(order.service))
        guard !order.targets.isEmpty else {
            throw ReleaseRefusal(.bad, "no-targets", "a rolling deployment needs the new targets", hint: "--targets a:80,b:80")
        }
        for address in order.targets { try Self.check(address: address) }
        let present = targets(of: order.pool, in: order.service)
        let added = order.targets.filter { !present.contains($0) }
        let removed = present.filter { !order.targets.contains($0) }
        var steps: [RollingStep] = []
        for index in 0..<max(added.count, removed.count) {
            if index < added.count { steps.append(.add(added[index])) }
            if index < removed.count { steps.append(.remove(removed[index])) }
        }
        return steps
    }

    // MARK: - Private

    private func fileTargets(of pool: String, in service: String) -> [String] {
        file.services.first { $0.name == service }?.pools.first { $0.name == pool }?.targets.map(\.text) ?? []
    }

    private func know(_ places: [Place], of service: String) throws(ReleaseRefusal) {
        let configured = try configured(service)
        for place in places {
            try known(place.pool, of: configured)
            guard let target = place.target else { continue }
            let present = targets(of: place.pool, in: service)
            guard present.contains(target) else {
                throw ReleaseRefusal(
                    .notFound, "no-such-target", "\(service)/\(place.pool) has no target \(target)",
                    hint: present.isEmpty ? "it has none" : "targets: \(present.joined(separator: ", "))")
            }
        }
    }

    private static func check(address: String) throws(ReleaseRefusal) {
        do throws(TargetText) {
            _ = try TargetText.parse(address)
        } catch {
            throw ReleaseRefusal(.bad, "bad-address", error.message, hint: error.hint)
        }
    }

    private static func check(weight: Int) throws(ReleaseRefusal) {
        guard ServiceRelease.allowedWeights.contains(weight) else {
            throw ReleaseRefusal(.bad, "bad-weight", "\(weight) is not a target's weight", hint: "a whole number from 1 to 1000")
        }
    }

    private static func text(_ places: [Place], of service: String) -> String {
        places.map { "\(service)/\($0.pool)" + ($0.target.map { "/\($0)" } ?? "") }.joined(separator: " ")
    }
}
