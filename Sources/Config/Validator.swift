/// What can only be judged when all parts have been read: names that must resolve, things that must be unique.
struct Validator {
    private let findings: Findings

    init(findings: Findings) {
        self.findings = findings
    }

    func check(_ draft: Draft) {
        checkPresence(draft)
        checkListeners(draft)
        checkReferences(draft)
        checkRoutelessServices(draft)
        // Guesses about what acts and what does not would only be noise beside errors.
        guard !findings.hasErrors else { return }
        checkDefaultService(draft)
        checkShadowedRoutes(draft)
        checkRedirects(draft)
        checkProxyProtocol(draft)
    }

    // MARK: - Private

    private func checkPresence(_ draft: Draft) {
        if !draft.hasListeners {
            findings.error("`listeners` is missing", at: draft.root, hint: "write listeners: [{ name: web, bind: [\"0.0.0.0:80\"] }]")
        }
        // Routes that answer by themselves need no service; a route that names one gets its own error.
        if !draft.hasServices, draft.configuration.routes.isEmpty, draft.serviceReferences.isEmpty, !draft.lacksActions {
            findings.error("there is nothing to serve", at: draft.root, hint: "add `services`, or `routes` with `redirect` or `respond`")
        }
    }

    private func checkListeners(_ draft: Draft) {
        var names: [String: Place] = [:]
        for listener in draft.listeners {
            if let first = names.updateValue(listener.place, forKey: listener.value) {
                findings.error(
                    "duplicate listener \(quoted(listener.value))", at: listener.place, hint: "the first is in line \(first.line)")
            }
        }
        var binds: [Endpoint: Place] = [:]
        for bind in draft.binds {
            // Port 0 is another port each time.
            if case .tcp(_, 0) = bind.value { continue }
            if let first = binds.updateValue(bind.place, forKey: bind.value) {
                findings.error("this address is bound twice", at: bind.place, hint: "the first is in line \(first.line)")
            }
        }
    }

    /// A port that we chose, and where nobody listens: behind a balancer that ends TLS that is right, beside TLS of our own hardly.
    private func checkRedirects(_ draft: Draft) {
        let secure = draft.configuration.listeners.filter { $0.tls != nil }
        guard !secure.isEmpty else { return }
        for (listener, places) in zip(draft.configuration.listeners, draft.listenerPlaces) {
            guard let place = places.redirect, let port = listener.redirectsToHTTPS else { continue }
            let isServed = secure.contains { $0.bind.contains { if case .tcp(_, port) = $0 { true } else { false } } }
            if !isServed {
                findings.warning("no listener has `tls` on port \(port)", at: place, hint: "write the port that clients shall be sent to")
            }
        }
    }

    /// Whoever can open a Unix socket was let in by the file system, and has no address to trust.
    private func checkProxyProtocol(_ draft: Draft) {
        guard draft.configuration.trustedProxies.isEmpty else { return }
        for (listener, places) in zip(draft.configuration.listeners, draft.listenerPlaces) {
            let isOpen = listener.bind.contains { if case .tcp = $0 { true } else { false } }
            guard let place = places.proxyProtocol, isOpen else { continue }
            findings.warning("everyone may claim any address", at: place, hint: "name in `trusted_proxies` who sends the PROXY header")
        }
    }

    private func checkReferences(_ draft: Draft) {
        let names = draft.services.map(\.value)
        let known = Set(names)
        for reference in draft.serviceReferences where !known.contains(reference.value) {
            findings.error(
                "no service \(quoted(reference.value))", at: reference.place, hint: Suggestion.hint(for: reference.value, among: names))
        }
    }

    /// A service with no route takes what no route matches; there can be only one such.
    private func checkRoutelessServices(_ draft: Draft) {
        guard !draft.lacksActions else { return }
        let routed = Set(draft.serviceReferences.map(\.value))
        let routeless = draft.services.filter { !routed.contains($0.value) }
        guard routeless.count > 1 else { return }
        let names = routeless.prefix(8).map { quoted($0.value) }.joined(separator: ", ") + (routeless.count > 8 ? " …" : "")
        findings.error(
            "the services \(names) have no route; only one service can take everything", at: routeless[1].place,
            hint: "add `routes`, so that at most one service is left without")
    }

    private func checkDefaultService(_ draft: Draft) {
        guard let service = draft.configuration.defaultService,
            let route = draft.configuration.routes.first(where: { $0.match == RouteMatchConfiguration() }),
            let place = draft.services.first(where: { $0.value == service.name })?.place
        else { return }
        findings.warning(
            "the service \(quoted(service.name)) gets nothing", at: place,
            hint: "no route names it, and the route at \(route.place) takes everything")
    }

    /// Ties go to the first in the file, so a second route with the same conditions never acts.
    private func checkShadowedRoutes(_ draft: Draft) {
        var seen: [RouteConditions: Place] = [:]
        for (route, place) in zip(draft.configuration.routes, draft.routePlaces) {
            let conditions = RouteConditions(route.match)
            if let first = seen[conditions] {
                findings.warning("the route never acts", at: place, hint: "the one in line \(first.line) has the same conditions")
            } else {
                seen[conditions] = place
            }
        }
    }
}

/// A match without the order in which its conditions were written.
private struct RouteConditions: Hashable {
    private let hosts: Set<String>
    private let path: String
    private let methods: Set<String>
    private let headers: [String: String]

    init(_ match: RouteMatchConfiguration) {
        hosts = Set(match.hosts)
        path = match.path
        methods = Set(match.methods)
        headers = Dictionary(match.headers.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}
