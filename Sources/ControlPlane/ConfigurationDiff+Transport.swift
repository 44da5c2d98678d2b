internal import Config

/// What a listener or a pool speaks, one text for each thing that changed.
extension ConfigurationDiff {
    static func transport(_ old: ListenerConfiguration, _ new: ListenerConfiguration) -> [String] {
        var texts: [String] = []
        if old.protocols != new.protocols {
            texts.append(
                "protocols \(old.protocols.map(\.word).joined(separator: " ")) → \(new.protocols.map(\.word).joined(separator: " "))")
        }
        texts += tls(old.tls, new.tls)
        if old.acceptsProxyProtocol != new.acceptsProxyProtocol {
            texts.append("proxy_protocol \(old.acceptsProxyProtocol) → \(new.acceptsProxyProtocol)")
        }
        if old.redirectsToHTTPS != new.redirectsToHTTPS {
            texts.append("redirect_to_https \(port(old.redirectsToHTTPS)) → \(port(new.redirectsToHTTPS))")
        }
        if old.maxConnectionAge != new.maxConnectionAge { texts.append("max_connection_age") }
        return texts
    }

    static func transport(_ old: PoolConfiguration, _ new: PoolConfiguration) -> [String] {
        var texts: [String] = []
        if old.upstreamProtocol != new.upstreamProtocol {
            texts.append("protocol \(old.upstreamProtocol.word) → \(new.upstreamProtocol.word)")
        }
        switch (old.tls, new.tls) {
        case (nil, .some(let tls)): texts.append(tls.verifies ? "tls on" : "tls on, without verification")
        case (.some, nil): texts.append("tls off")
        case (.some(let former), .some(let tls)) where former.verifies != tls.verifies:
            texts.append("tls verification \(tls.verifies ? "on" : "off")")
        case (let former, let tls): if former != tls { texts.append("tls settings") }
        }
        if old.sendsProxyProtocol != new.sendsProxyProtocol {
            texts.append("proxy_protocol \(old.sendsProxyProtocol?.word ?? "none") → \(new.sendsProxyProtocol?.word ?? "none")")
        }
        return texts
    }

    // MARK: - Private

    private static func tls(_ old: ListenerTLSConfiguration?, _ new: ListenerTLSConfiguration?) -> [String] {
        switch (old, new) {
        case (nil, nil): return []
        case (nil, .some(let tls)): return ["tls on, certificates \(names(tls))"]
        case (.some, nil): return ["tls off"]
        case (.some(var former), .some(let tls)):
            var texts: [String] = []
            if former.certificates != tls.certificates {
                let (before, after) = (names(former), names(tls))
                texts.append(before == after ? "files of certificates" : "certificates \(before) → \(after)")
            }
            former.certificates = tls.certificates
            if former != tls { texts.append("tls settings") }
            return texts
        }
    }

    private static func names(_ tls: ListenerTLSConfiguration) -> String {
        tls.certificates.map(\.certificate).joined(separator: " ")
    }

    private static func port(_ port: UInt16?) -> String { port.map { "\($0)" } ?? "off" }
}
