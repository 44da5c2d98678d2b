extension Decoder {
    mutating func services(_ field: Field) {
        draft.hasServices = true
        guard let entries = entries(of: field) else { return }
        for entry in entries { service(entry) }
    }

    // MARK: - Private

    private mutating func service(_ entry: Node.Entry) {
        let name = name(of: entry, kind: "service")
        draft.services.append(Located(value: entry.key, place: entry.keyPlace))
        guard let fields = fields(of: entry.field, as: ServiceKey.self) else { return }
        var service = ServiceConfiguration(name: name ?? "", pools: [], split: [])
        service.timeouts = draft.configuration.timeouts
        var poolNames: [String]?
        for (key, entry) in fields {
            switch key {
            case .pools:
                (service.pools, poolNames) = pools(entry.field)
            // Both name pools, which may stand behind them in the file.
            case .split, .rules: continue
            case .sticky: store(sticky(entry.field), in: &service.sticky)
            case .health: store(health(entry.field), in: &service.health)
            case .minHealthy: store(number(entry.field, in: Defaults.Bounds.minHealthy), in: &service.minHealthy)
            case .pause: pause(entry.field, of: &service)
            case .balance:
                let balances: KeyValuePairs<String, Balance> = ["round-robin": .roundRobin, "least-connections": .leastConnections]
                store(choice(entry.field, balances), in: &service.balance)
            case .retries: retries(entry.field, of: &service)
            case .limits: limits(entry.field, of: &service)
            case .drain: drain(entry.field, of: &service)
            case .timeouts: timeouts(entry.field, of: &service)
            }
        }
        if !fields.contains(where: { $0.key == .pools }) {
            findings.error(
                "the service \(quoted(entry.key)) has no `pools`", at: entry.keyPlace,
                hint: "write pools: { blue: { targets: [\"host:port\"] } }")
        }
        if service.health?.check == .grpc, let health = fields.first(where: { $0.key == .health })?.entry,
            let pool = service.pools.first(where: { $0.upstreamProtocol == .http1 })
        {
            findings.error(
                "the pool \(quoted(pool.name)) speaks HTTP/1.1, and gRPC does not go over that", at: health.keyPlace,
                hint: "write protocol: h2c (or h2) in the pool, or another protocol in `health`")
        }
        if let poolNames {
            let field = fields.first { $0.key == .split }?.entry.field
            store(split(field, among: poolNames, of: entry), in: &service.split)
            if let rules = fields.first(where: { $0.key == .rules })?.entry.field { service.rules = self.rules(rules, among: poolNames) }
        }
        draft.configuration.services.append(service)
    }

    private func retries(_ field: Field, of service: inout ServiceConfiguration) {
        for (key, entry) in fields(of: field, as: RetryKey.self) ?? [] {
            switch key {
            case .attempts: store(number(entry.field, in: Defaults.Bounds.retryAttempts), in: &service.retryAttempts)
            }
        }
    }

    private func limits(_ field: Field, of service: inout ServiceConfiguration) {
        guard let fields = fields(of: field, as: ServiceLimitKey.self) else { return }
        for (key, entry) in fields {
            switch key {
            case .maxRequests: store(number(entry.field, in: Defaults.Bounds.maxRequests), in: &service.limits.maxRequests)
            case .queue: store(number(entry.field, in: Defaults.Bounds.queue), in: &service.limits.queue)
            case .queueTimeout: store(duration(entry.field, allowingZero: true), in: &service.limits.queueTimeout)
            }
        }
        if service.limits.queue > 0, service.limits.maxRequests == 0, let queue = fields.first(where: { $0.key == .queue })?.entry {
            findings.warning("`queue` is never used", at: queue.keyPlace, hint: "without `max_requests` no request has to wait")
        }
    }

    private func drain(_ field: Field, of service: inout ServiceConfiguration) {
        for (key, entry) in fields(of: field, as: DrainKey.self) ?? [] {
            switch key {
            case .timeout: store(duration(entry.field, allowingZero: true), in: &service.drain.timeout)
            case .tunnels: store(duration(entry.field, allowingZero: true), in: &service.drain.tunnels)
            }
        }
    }

    private func pause(_ field: Field, of service: inout ServiceConfiguration) {
        for (key, entry) in fields(of: field, as: PauseKey.self) ?? [] {
            switch key {
            case .maxWait: store(duration(entry.field), in: &service.pause.maxWait)
            case .requests: store(number(entry.field, in: Defaults.Bounds.pauseRequests), in: &service.pause.requests)
            case .bytes: store(size(entry.field, in: Defaults.Bounds.pauseBytes, said: "64KiB to 16GiB"), in: &service.pause.bytes)
            }
        }
    }

    private func timeouts(_ field: Field, of service: inout ServiceConfiguration) {
        for (key, entry) in fields(of: field, as: ServiceTimeoutKey.self) ?? [] {
            switch key {
            case .connect: store(duration(entry.field), in: &service.timeouts.connect)
            case .responseHeader: store(duration(entry.field), in: &service.timeouts.responseHeader)
            case .idle: store(duration(entry.field), in: &service.timeouts.idle)
            case .tunnel: store(duration(entry.field), in: &service.timeouts.tunnel)
            }
        }
    }
}
