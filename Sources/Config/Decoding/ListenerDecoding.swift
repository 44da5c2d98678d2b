extension Decoder {
    mutating func listeners(_ field: Field) {
        draft.hasListeners = true
        guard let elements = elements(of: field) else { return }
        if elements.isEmpty { findings.error("`listeners` is empty", at: field.node.place) }
        for element in elements { listener(element) }
    }

    /// Gives `redirect_to_https: true` its port, now that every listener is known: 443, or that of the one listener with TLS.
    mutating func resolveRedirects() {
        let secure = draft.configuration.listeners.filter { $0.tls != nil }
        var port = UInt16(443)
        if secure.count == 1, let only = secure.first, let first = only.port, only.bind.allSatisfy({ $0.port == nil || $0.port == first }) {
            port = first
        }
        for (index, places) in zip(draft.configuration.listeners.indices, draft.listenerPlaces) where places.redirect != nil {
            draft.configuration.listeners[index].redirectsToHTTPS = port
        }
    }

    // MARK: - Private

    private mutating func listener(_ field: Field) {
        guard let fields = fields(of: field, as: ListenerKey.self) else { return }
        var listener = ListenerConfiguration(name: "", bind: [])
        var places = ListenerPlaces()
        var name: String?
        var binds: [Located<Endpoint>]?
        var protocols: [Located<ListenerProtocol>]?
        for (key, entry) in fields {
            switch key {
            case .name:
                guard let text = value(entry.field, self.name(_:)) else { continue }
                name = text
                draft.listeners.append(Located(value: text, place: entry.value.place))
            case .bind:
                binds = bind(entry.field)
                draft.binds += binds ?? []
            case .protocols: protocols = self.protocols(entry.field)
            case .tls: if !isNull(entry.field) { listener.tls = listenerTLS(entry.field) }
            case .proxyProtocol:
                store(flag(entry.field), in: &listener.acceptsProxyProtocol)
                if listener.acceptsProxyProtocol { places.proxyProtocol = entry.keyPlace }
            case .redirectToHTTPS:
                guard let redirect = redirect(entry.field) else { continue }
                listener.redirectsToHTTPS = redirect.port
                if redirect.isOpen { places.redirect = entry.keyPlace }
            case .maxConnectionAge: store(duration(entry.field, allowingZero: true), in: &listener.maxConnectionAge)
            }
        }
        if !fields.contains(where: { $0.key == .name }) { findings.error("the listener has no `name`", at: field.node.place) }
        if !fields.contains(where: { $0.key == .bind }) {
            findings.error("the listener has no `bind`", at: field.node.place, hint: "write bind: [\"0.0.0.0:80\"]")
        }
        // Also when its inside is at fault.
        let tls = fields.first { $0.key == .tls }?.entry
        let isSecure = tls.map { !isNull($0.field) } ?? false
        if let protocols { checkProtocols(protocols, isSecure: isSecure) }
        listener.protocols = protocols?.map(\.value) ?? (isSecure ? [.h2, .http1] : [.http1])
        if isSecure, listener.redirectsToHTTPS != nil || places.redirect != nil,
            let redirect = fields.first(where: { $0.key == .redirectToHTTPS })
        {
            findings.error(
                "`redirect_to_https` on a listener with `tls`", at: redirect.entry.keyPlace,
                hint: "write it on the listener for plain http, on port 80")
        }
        guard let name, let binds else { return }
        listener.name = name
        listener.bind = binds.map(\.value)
        draft.configuration.listeners.append(listener)
        draft.listenerPlaces.append(places)
    }

    private func bind(_ field: Field) -> [Located<Endpoint>]? {
        if case .sequence(let nodes) = field.node.content, nodes.isEmpty {
            findings.error("`bind` is empty", at: field.node.place, hint: "write [\"0.0.0.0:80\"]")
        }
        return list(of: field) { text throws(ScalarError) in try Endpoint.parse(text, role: .bind) }
    }

    private func protocols(_ field: Field) -> [Located<ListenerProtocol>]? {
        guard let elements = elements(of: field) else { return nil }
        if elements.isEmpty {
            findings.error("`protocols` is empty", at: field.node.place, hint: "leave the key out, or write [http/1.1]")
        }
        return elements.compactMap { element in
            let meant: KeyValuePairs = [
                "http1": "http/1.1", "http1.1": "http/1.1", "http/1": "http/1.1", "h1": "http/1.1", "http2": "h2", "http/2": "h2",
                "http/2.0": "h2",
            ]
            return choice(element, ListenerProtocol.words, meant: meant).map { Located(value: $0, place: element.node.place) }
        }
    }

    private func checkProtocols(_ protocols: [Located<ListenerProtocol>], isSecure: Bool) {
        var seen: [ListenerProtocol] = []
        for element in protocols {
            if seen.contains(element.value) {
                findings.error("\(quoted(element.value.word)) stands twice in `protocols`", at: element.place)
            } else if element.value == .h2, !isSecure {
                findings.error("`h2` needs `tls`", at: element.place, hint: "add `tls`, or write h2c for HTTP/2 with prior knowledge")
            } else if element.value == .h2c, isSecure {
                findings.error("`h2c` is HTTP/2 without TLS", at: element.place, hint: "write h2, or leave `tls` out")
            }
            seen.append(element.value)
        }
    }

    /// `isOpen`: asked for, without a port.
    private func redirect(_ field: Field) -> (port: UInt16?, isOpen: Bool)? {
        if isNull(field) { return (nil, false) }
        return value(field) { text throws(ScalarError) in
            switch text {
            case "true": return (nil, true)
            case "false": return (nil, false)
            default:
                guard let port = wholeNumber(text.utf8).flatMap({ UInt16(exactly: $0) }), port > 0 else {
                    throw ScalarError("\(quoted(text)) is neither true nor a port from 1 to 65535")
                }
                return (port, false)
            }
        }
    }
}

extension ListenerProtocol {
    static let words: KeyValuePairs<String, ListenerProtocol> = ["http/1.1": .http1, "h2": .h2, "h2c": .h2c]

    /// As the file writes it.
    package var word: String {
        switch self {
        case .http1: "http/1.1"
        case .h2: "h2"
        case .h2c: "h2c"
        }
    }
}

extension ListenerConfiguration {
    /// The first that clients can be sent to; port 0 is known only when it is bound.
    fileprivate var port: UInt16? { bind.lazy.compactMap(\.port).first }
}

extension Endpoint {
    fileprivate var port: UInt16? {
        if case .tcp(_, let port) = self, port > 0 { return port }
        return nil
    }
}
