internal import Config
internal import Net

/// The rules of a service, compiled: in file order, the first that matches wins. Immutable; a search allocates nothing.
struct PoolRules: Sendable {
    private enum Subject: Sendable { case header, cookie, parameter }

    /// A range of `bytes`.
    private struct Slice: Sendable {
        var start: Int
        var count: Int
    }

    private struct Condition: Sendable {
        var subject: Subject
        var name: Slice
        var value: Slice
    }

    private struct Rule: Sendable {
        var pool: Int
        /// In `conditions`.
        var conditions: Range<Int>
        /// In `networks`; -1 = every client.
        var networks: Int
    }

    /// Places in the file, "12:5", for the log.
    let places: [ByteText]
    private let rules: [Rule]
    private let conditions: [Condition]
    private let networks: [TrustedNetworks]
    private let bytes: [UInt8]

    /// - Parameter pools: names; a rule for another pool is left out (the validator has refused it).
    init(_ file: [RuleConfiguration], pools: [String]) {
        var builder = Builder()
        for rule in file {
            guard let pool = pools.firstIndex(of: rule.pool) else { continue }
            builder.add(rule, pool: pool)
        }
        places = builder.places
        rules = builder.rules
        conditions = builder.conditions
        networks = builder.networks
        bytes = builder.bytes
    }

    var isEmpty: Bool { rules.isEmpty }
    var readsClient: Bool { !networks.isEmpty }

    /// Indices of the first rule that the request meets and of its pool; -1 and -1 when it meets none.
    func match(_ request: RequestView) -> (rule: Int, pool: Int) {
        bytes.withUnsafeBytes { all in
            let rules = self.rules.span
            for index in 0..<rules.count where meets(rules[index], request, all) { return (index, rules[index].pool) }
            return (-1, -1)
        }
    }

    // MARK: - Private

    private func meets(_ rule: Rule, _ request: RequestView, _ all: UnsafeRawBufferPointer) -> Bool {
        let conditions = self.conditions.span
        for index in rule.conditions {
            let condition = conditions[index]
            let name = Self.bytes(condition.name, of: all)
            let value = Self.bytes(condition.value, of: all)
            let isMet =
                switch condition.subject {
                case .header: request.hasHeader(name, value)
                case .cookie: request.hasCookie(name, value)
                case .parameter: request.hasParameter(name, value)
                }
            if !isMet { return false }
        }
        return rule.networks < 0 || networks.span[rule.networks].contains(request.client)
    }

    private static func bytes(_ slice: Slice, of all: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: all[slice.start..<slice.start + slice.count])
    }

    private struct Builder {
        var places: [ByteText] = []
        var rules: [Rule] = []
        var conditions: [Condition] = []
        var networks: [TrustedNetworks] = []
        var bytes: [UInt8] = []

        mutating func add(_ file: RuleConfiguration, pool: Int) {
            let first = conditions.count
            add(file.headers, .header)
            add(file.cookies, .cookie)
            add(file.query, .parameter)
            if !file.clients.isEmpty { networks.append(TrustedNetworks(file.clients)) }
            places.append(ByteText(file.place))
            rules.append(
                Rule(pool: pool, conditions: first..<conditions.count, networks: file.clients.isEmpty ? -1 : networks.count - 1))
        }

        private mutating func add(_ pairs: [HeaderValue], _ subject: Subject) {
            for pair in pairs { conditions.append(Condition(subject: subject, name: slice(pair.name), value: slice(pair.value))) }
        }

        private mutating func slice(_ text: String) -> Slice {
            defer { bytes += Array(text.utf8) }
            return Slice(start: bytes.count, count: text.utf8.count)
        }
    }
}
