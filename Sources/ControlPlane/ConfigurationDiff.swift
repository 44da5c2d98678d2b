internal import Config

/// What changed between two configurations, in lines an operator reads: "+ service x", "~ service shop: split blue 100 → blue 90 green 10".
enum ConfigurationDiff {
    static func lines(from old: Configuration, to new: Configuration) -> [String] {
        var lines: [String] = []
        lines += listeners(old.listeners, new.listeners)
        lines += services(old.services, new.services)
        lines += routes(old.routes, new.routes)
        lines += settings(old, new)
        return lines
    }

    /// Parts of a running proxy that a reload cannot exchange.
    static func needsRestart(from old: Configuration, to new: Configuration) -> [String] {
        var keys: [String] = []
        if old.workers != new.workers { keys.append("workers") }
        if old.stateDirectory != new.stateDirectory { keys.append("state_dir") }
        if old.admin.socket != new.admin.socket { keys.append("admin.socket") }
        if old.admin.listen != new.admin.listen { keys.append("admin.listen") }
        return keys
    }

    static func split(_ shares: [PoolShare]) -> String {
        shares.map { "\($0.pool) \(percent($0.partsPerMillion))" }.joined(separator: " ")
    }

    // MARK: - Private

    private static func listeners(_ old: [ListenerConfiguration], _ new: [ListenerConfiguration]) -> [String] {
        var lines: [String] = []
        for listener in new {
            let addresses = listener.bind.map(\.text).joined(separator: " ")
            guard let former = old.first(where: { $0.name == listener.name }) else {
                lines.append("+ listener \(listener.name): \(addresses)")
                continue
            }
            if former.bind != listener.bind {
                lines.append("~ listener \(listener.name): \(former.bind.map(\.text).joined(separator: " ")) → \(addresses)")
            }
            lines += transport(former, listener).map { "~ listener \(listener.name): \($0)" }
        }
        return lines + old.filter { former in !new.contains { $0.name == former.name } }.map { "- listener \($0.name)" }
    }

    private static func services(_ old: [ServiceConfiguration], _ new: [ServiceConfiguration]) -> [String] {
        var lines: [String] = []
        for service in new {
            guard let former = old.first(where: { $0.name == service.name }) else {
                lines.append("+ service \(service.name): split \(split(service.split))")
                continue
            }
            var same = former
            if haveSameRules(former, service) { same.rules = service.rules }
            if same != service { lines += changes(former, service) }
        }
        return lines + old.filter { former in !new.contains { $0.name == former.name } }.map { "- service \($0.name)" }
    }

    private static func changes(_ old: ServiceConfiguration, _ new: ServiceConfiguration) -> [String] {
        var lines: [String] = []
        if old.split != new.split { lines.append("~ service \(new.name): split \(split(old.split)) → \(split(new.split))") }
        for pool in new.pools {
            guard let former = old.pools.first(where: { $0.name == pool.name }) else {
                lines.append("+ pool \(new.name)/\(pool.name): \(targets(pool.targets))")
                continue
            }
            lines += transport(former, pool).map { "~ pool \(new.name)/\(pool.name): \($0)" }
            for target in pool.targets {
                guard let same = former.targets.first(where: { $0.text == target.text }) else {
                    lines.append("+ target \(new.name)/\(pool.name)/\(target.text)")
                    continue
                }
                if same.weight != target.weight {
                    lines.append("~ target \(new.name)/\(pool.name)/\(target.text): weight \(same.weight) → \(target.weight)")
                }
            }
            for target in former.targets where !pool.targets.contains(where: { $0.text == target.text }) {
                lines.append("- target \(new.name)/\(pool.name)/\(target.text)")
            }
        }
        for pool in old.pools where !new.pools.contains(where: { $0.name == pool.name }) { lines.append("- pool \(new.name)/\(pool.name)") }
        if old.sticky != new.sticky { lines.append("~ service \(new.name): sticky") }
        if !haveSameRules(old, new) { lines.append("~ service \(new.name): rules") }
        if old.health != new.health { lines.append("~ service \(new.name): health") }
        // Whatever is left when all of these are made equal are the other policies.
        var rest = old
        rest.pools = new.pools
        rest.split = new.split
        rest.sticky = new.sticky
        rest.rules = new.rules
        rest.health = new.health
        if rest != new { lines.append("~ service \(new.name): settings") }
        return lines.isEmpty ? ["~ service \(new.name): order of pools or targets"] : lines
    }

    /// A rule's place in the file names it in the log, but a moved rule is not a changed one.
    private static func haveSameRules(_ old: ServiceConfiguration, _ new: ServiceConfiguration) -> Bool {
        old.rules.count == new.rules.count
            && zip(old.rules, new.rules).allSatisfy { one, other in
                var one = one
                one.place = other.place
                return one == other
            }
    }

    private static func routes(_ old: [RouteConfiguration], _ new: [RouteConfiguration]) -> [String] {
        // The place in the file is part of a route's name in the log, but a moved route is not a changed one.
        func same(_ one: RouteConfiguration, _ other: RouteConfiguration) -> Bool {
            var one = one
            one.place = other.place
            return one == other
        }
        guard !(old.count == new.count && zip(old, new).allSatisfy { same($0, $1) }) else { return [] }
        var lines = new.filter { route in !old.contains { same($0, route) } }.map { "+ route \(text($0))" }
        lines += old.filter { route in !new.contains { same($0, route) } }.map { "- route \(text($0))" }
        return lines.isEmpty ? ["~ routes: order"] : lines
    }

    private static func settings(_ old: Configuration, _ new: Configuration) -> [String] {
        var lines: [String] = []
        if old.timeouts != new.timeouts { lines.append("~ defaults: timeouts") }
        if old.limits != new.limits { lines.append("~ defaults: limits") }
        if old.http2 != new.http2 { lines.append("~ defaults: http2") }
        if old.trustedProxies != new.trustedProxies { lines.append("~ trusted_proxies") }
        if old.accessLog != new.accessLog { lines.append("~ access_log") }
        if old.shutdown != new.shutdown { lines.append("~ shutdown") }
        return lines
    }

    private static func text(_ route: RouteConfiguration) -> String {
        let hosts = route.match.hosts.isEmpty ? "*" : route.match.hosts.joined(separator: ",")
        let action =
            switch route.action {
            case .service(let name): name
            case .redirect(let to, let status): "\(status) \(to)"
            case .respond(let status, _, _): "\(status)"
            }
        return "\(hosts)\(route.match.path) → \(action)"
    }

    private static func targets(_ targets: [TargetConfiguration]) -> String { targets.map(\.text).joined(separator: " ") }

    /// 990000 → "99", 1000 → "0.1": no binary fractions on the screen.
    static func percent(_ partsPerMillion: UInt32) -> String {
        let whole = partsPerMillion / 10_000
        let fraction = partsPerMillion % 10_000
        guard fraction != 0 else { return "\(whole)" }
        let digits = String(fraction)
        var text = String(repeating: "0", count: 4 - digits.count) + digits
        while text.hasSuffix("0") { text.removeLast() }
        return "\(whole).\(text)"
    }
}
