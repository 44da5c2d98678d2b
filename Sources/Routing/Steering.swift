internal import Config
package import Net
internal import Policy

/// Why an exchange is on its pool.
package enum PoolReason: UInt8, Sendable {
    case split = 1
    case sticky, rule
}

/// How a service chooses that has rules or a sticky key: rules, then the key, then, for who has neither, the exact sequence. Immutable.
package final class Steering: Sendable {
    /// Indices, not objects: nothing is counted for a choice.
    package struct Choice: Sendable {
        /// Of `Service.pools`; -1 = the sequence decides.
        package var pool = -1
        package var reason = PoolReason.split
        /// Of the service's rules; -1 = none.
        package var rule = -1
    }

    private enum Key: Sendable { case none, cookie, header, client }

    /// Whether `RequestView.client` is looked at; finding it out may cost a look through the forwarding fields.
    package let readsClient: Bool
    /// "Set-Cookie: uid=" where keys are issued, else empty.
    package let cookieLine: ByteText
    private let rules: PoolRules
    private let key: Key
    /// Of the cookie, or, in lower case, of the header.
    private let keyName: ByteText
    private let issues: Bool
    private let split: StickySplit

    /// Nil when the sequence alone decides.
    init?(service: String, rules: [RuleConfiguration], sticky: StickyConfiguration?, pools: [String], weights: [UInt32]) {
        self.rules = PoolRules(rules, pools: pools)
        if self.rules.isEmpty && sticky == nil { return nil }
        split = StickySplit(service: service, pools: pools, weights: weights)
        issues = sticky?.issue ?? false
        var name = ""
        switch sticky?.key {
        case .cookie(let cookie): (key, name) = (.cookie, cookie)
        case .header(let header): (key, name) = (.header, header)
        case .clientIP: key = .client
        case nil: key = .none
        }
        keyName = ByteText(name)
        cookieLine = ByteText(issues ? "Set-Cookie: \(name)=" : "")
        readsClient = key == .client || self.rules.readsClient
    }

    /// Any thread; allocates nothing.
    /// - Parameter issued: the key that this exchange has been given, by which its pool is chosen at each attempt; made here when it has none
    ///   and should have one.
    package func choose(_ request: RequestView, issued: inout StickyKey?) -> Choice {
        if !rules.isEmpty {
            let (rule, pool) = rules.match(request)
            if pool >= 0 { return Choice(pool: pool, reason: .rule, rule: rule) }
        }
        switch key {
        case .none: return Choice()
        case .header: return choice(by: request.header(keyName.bytes))
        case .client: return withClient(request.client) { choice(by: $0) }
        case .cookie:
            let value = request.cookie(keyName.bytes)
            guard value.isEmpty, issues else { return choice(by: value) }
            let key = issued ?? StickyKey.random()
            issued = key
            return key.withText { choice(by: $0) }
        }
    }

    /// Place in the file of the rule that decided.
    package func place(ofRule index: Int) -> UnsafeRawBufferPointer {
        rules.places.indices.contains(index) ? rules.places[index].bytes : RequestView.nothing
    }

    // MARK: - Private

    private func choice(by key: UnsafeRawBufferPointer) -> Choice {
        guard !key.isEmpty, let pool = split.pool(for: key) else { return Choice() }
        return Choice(pool: pool, reason: .sticky)
    }

    /// The address as the packet has it, without port: four bytes, or sixteen; empty for a peer on a Unix socket.
    private func withClient<Result>(_ client: SocketAddress, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch client {
        case .v4(let address, _): return withUnsafeBytes(of: address, body)
        case .v6(let high, let low, _):
            // RFC 4291 §2.5.5.2: an IPv4 client on an IPv6 socket is the same client.
            if high == 0, UInt64(bigEndian: low) >> 32 == 0xFFFF {
                return withUnsafeBytes(of: UInt32(truncatingIfNeeded: UInt64(bigEndian: low)).bigEndian, body)
            }
            return withUnsafeBytes(of: (high, low), body)
        case .unix: return body(RequestView.nothing)
        }
    }
}
