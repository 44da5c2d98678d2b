extension Decoder {
    /// The second value: every name given, also of pools that are at fault otherwise; nil when there is no such thing.
    func pools(_ field: Field) -> ([PoolConfiguration], [String]?) {
        guard let entries = entries(of: field) else { return ([], nil) }
        guard !entries.isEmpty else {
            findings.error("`pools` is empty", at: field.node.place, hint: "a service needs a pool, if only to fill it later")
            return ([], nil)
        }
        return (entries.compactMap(pool), entries.map(\.key))
    }

    // MARK: - Private

    private func pool(_ entry: Node.Entry) -> PoolConfiguration? {
        guard let name = name(of: entry, kind: "pool"), let fields = fields(of: entry.field, as: PoolKey.self) else { return nil }
        var pool = PoolConfiguration(name: name, targets: [])
        var isEmpty = true
        for (key, entry) in fields {
            switch key {
            case .targets:
                guard let elements = elements(of: entry.field) else { return nil }
                isEmpty = elements.isEmpty
                pool.targets = targets(elements)
            case .protocol:
                let meant: KeyValuePairs = [
                    "http/1.1": "http1", "http/1": "http1", "http1.1": "http1", "h1": "http1", "http": "http1", "http2": "h2",
                    "http/2": "h2",
                    "grpc": "h2c", "https": "h2",
                ]
                store(choice(entry.field, UpstreamProtocol.words, meant: meant), in: &pool.upstreamProtocol)
            case .tls: if !isNull(entry.field) { pool.tls = poolTLS(entry.field) }
            case .proxyProtocol:
                if isNull(entry.field) { continue }
                pool.sendsProxyProtocol = choice(entry.field, ProxyProtocolVersion.words, meant: ["true": "v1", "1": "v1", "2": "v2"])
            }
        }
        if isEmpty {
            findings.warning("the pool \(quoted(name)) has no targets", at: entry.keyPlace, hint: "requests that it gets are answered 503")
        }
        checkTransport(of: pool, fields)
        if pool.upstreamProtocol == .h2, pool.tls == nil { pool.tls = PoolTLSConfiguration() }
        return pool
    }

    private func checkTransport(of pool: PoolConfiguration, _ fields: [(key: PoolKey, entry: Node.Entry)]) {
        if let tls = fields.first(where: { $0.key == .tls })?.entry {
            if isNull(tls.field), pool.upstreamProtocol == .h2 {
                findings.warning("`h2` is over TLS all the same", at: tls.keyPlace, hint: "write protocol: h2c for HTTP/2 without TLS")
            } else if !isNull(tls.field), pool.upstreamProtocol == .h2c {
                findings.error("`h2c` is HTTP/2 without TLS", at: tls.keyPlace, hint: "write protocol: h2, or leave `tls` out")
            }
        }
        if pool.sendsProxyProtocol != nil, pool.upstreamProtocol != .http1,
            let entry = fields.first(where: { $0.key == .proxyProtocol })?.entry
        {
            findings.error(
                "`proxy_protocol` with \(quoted("protocol: \(pool.upstreamProtocol.word)"))", at: entry.keyPlace,
                hint: "one HTTP/2 connection carries many clients; write protocol: http1, or go by X-Forwarded-For")
        }
    }

    private func poolTLS(_ field: Field) -> PoolTLSConfiguration? {
        guard let fields = fields(of: field, as: PoolTLSKey.self) else { return nil }
        var tls = PoolTLSConfiguration()
        var (certificate, key): (String?, String?)
        for (name, entry) in fields {
            switch name {
            case .ca: store(optional(entry.field, filePath(_:)), in: &tls.ca)
            case .verify:
                store(flag(entry.field), in: &tls.verifies)
                if !tls.verifies {
                    findings.warning(
                        "whoever answers is taken for the target", at: entry.keyPlace,
                        hint: "name its authority in `ca` instead of verify: false")
                }
            case .serverName: store(optional(entry.field, serverName), in: &tls.serverName)
            case .cert: store(optional(entry.field, filePath(_:)), in: &certificate)
            case .key: store(optional(entry.field, filePath(_:)), in: &key)
            case .minVersion: store(tlsVersion(entry.field), in: &tls.minimumVersion)
            }
        }
        checkPair(fields)
        if let certificate, let key { tls.certificate = CertificateConfiguration(certificate: certificate, key: key) }
        return tls
    }

    /// A client certificate is two files.
    private func checkPair(_ fields: [(key: PoolTLSKey, entry: Node.Entry)]) {
        func given(_ key: PoolTLSKey) -> Node.Entry? {
            fields.first { $0.key == key && !isNull($0.entry.field) }?.entry
        }
        switch (given(.cert), given(.key)) {
        case (let certificate?, nil): findings.error("`cert` without `key`", at: certificate.keyPlace, hint: "one PEM file may hold both")
        case (nil, let key?): findings.error("`key` without `cert`", at: key.keyPlace, hint: "one PEM file may hold both")
        default: break
        }
    }

    private func serverName(_ text: String) throws(ScalarError) -> String {
        if let address = IPAddress(text) { return address.canonicalText }
        if text.contains(":") { throw ScalarError("\(quoted(text)) is not a host name", hint: "without scheme and port") }
        return try HostText.name(text)
    }

    private func targets(_ elements: [Field]) -> [TargetConfiguration] {
        var targets: [TargetConfiguration] = []
        var seen: [Endpoint: Place] = [:]
        for element in elements {
            guard let target = target(element) else { continue }
            if let first = seen[target.endpoint] {
                let hint = "it stands already in line \(first.line); give it a weight to send it more"
                findings.error("duplicate target \(quoted(target.text))", at: element.node.place, hint: hint)
                continue
            }
            seen[target.endpoint] = element.node.place
            targets.append(target)
        }
        return targets
    }

    private func target(_ field: Field) -> TargetConfiguration? {
        guard case .mapping = field.node.content else { return address(field) }
        guard let fields = fields(of: field, as: TargetKey.self) else { return nil }
        var target: TargetConfiguration?
        var weight = 1
        for (key, entry) in fields {
            switch key {
            case .address: target = address(entry.field)
            case .weight: store(number(entry.field, in: Defaults.Bounds.targetWeight), in: &weight)
            }
        }
        if !fields.contains(where: { $0.key == .address }) {
            findings.error("the target has no `address`", at: field.node.place, hint: "write { address: host:port, weight: 2 }")
        }
        target?.weight = weight
        return target
    }

    private func address(_ field: Field) -> TargetConfiguration? {
        value(field) { text throws(ScalarError) in TargetConfiguration(endpoint: try Endpoint.parse(text, role: .target), text: text) }
    }
}

extension UpstreamProtocol {
    static let words: KeyValuePairs<String, UpstreamProtocol> = ["http1": .http1, "h2c": .h2c, "h2": .h2]

    /// As the file writes it.
    package var word: String {
        switch self {
        case .http1: "http1"
        case .h2: "h2"
        case .h2c: "h2c"
        }
    }
}

extension ProxyProtocolVersion {
    static let words: KeyValuePairs<String, ProxyProtocolVersion> = ["v1": .v1, "v2": .v2]

    /// As the file writes it.
    package var word: String {
        switch self {
        case .v1: "v1"
        case .v2: "v2"
        }
    }
}
