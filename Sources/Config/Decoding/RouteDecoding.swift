extension Decoder {
    mutating func routes(_ field: Field) {
        for element in elements(of: field) ?? [] { route(element) }
    }

    // MARK: - Private

    private mutating func route(_ field: Field) {
        guard let fields = fields(of: field, as: RouteKey.self) else {
            draft.lacksActions = true
            return
        }
        let place = field.node.place
        var route = RouteConfiguration(action: .service(""), place: "\(place.line):\(place.column)")
        let action = action(fields, at: place)
        let errorsBefore = findings.errorCount
        for (key, entry) in fields {
            switch key {
            case .service, .redirect, .respond: continue
            case .match: store(match(entry.field), in: &route.match)
            case .requestHeaders: store(headerEdits(entry.field), in: &route.requestHeaders)
            case .responseHeaders: store(headerEdits(entry.field), in: &route.responseHeaders)
            case .stripPrefix: store(optional(entry.field) { text throws(ScalarError) in try prefix(text) }, in: &route.stripPrefix)
            case .rewriteHost:
                store(optional(entry.field) { text throws(ScalarError) in try HostText.authority(text) }, in: &route.rewriteHost)
            }
        }
        if findings.errorCount == errorsBefore { checkPrefix(of: route, fields) }
        guard let action else { return }
        route.action = action
        if case .service = action {} else { refuseUpstreamKeys(fields) }
        draft.configuration.routes.append(route)
        draft.routePlaces.append(place)
    }

    private mutating func action(_ fields: [(key: RouteKey, entry: Node.Entry)], at place: Place) -> RouteActionConfiguration? {
        var action: RouteActionConfiguration?
        var count = 0
        for (key, entry) in fields {
            let one: RouteActionConfiguration?
            switch key {
            case .service: one = service(named: entry.field)
            case .redirect: one = redirect(entry.field)
            case .respond: one = respond(entry.field)
            case .match, .requestHeaders, .responseHeaders, .stripPrefix, .rewriteHost: continue
            }
            count += 1
            if count > 1 {
                findings.error(
                    "the route has a second action, \(quoted(entry.key))", at: entry.keyPlace,
                    hint: "one of `service`, `redirect`, `respond`")
            }
            action = action ?? one
        }
        if count == 0 { findings.error("the route does nothing", at: place, hint: "add one of `service`, `redirect`, `respond`") }
        if action == nil { draft.lacksActions = true }
        return action
    }

    private mutating func service(named field: Field) -> RouteActionConfiguration? {
        guard let name = text(field) else { return nil }
        draft.serviceReferences.append(Located(value: name, place: field.node.place))
        return .service(name)
    }

    private func redirect(_ field: Field) -> RouteActionConfiguration? {
        guard let fields = fields(of: field, as: RedirectKey.self) else { return nil }
        var to: String?
        var status = Defaults.redirectStatus
        for (key, entry) in fields {
            switch key {
            case .to: to = value(entry.field) { text throws(ScalarError) in try HTTPText.location(text) }
            case .status:
                let known: KeyValuePairs<String, Int> = ["301": 301, "302": 302, "303": 303, "307": 307, "308": 308]
                store(choice(entry.field, known), in: &status)
            }
        }
        if !fields.contains(where: { $0.key == .to }) { findings.error("the redirect has no `to`", at: field.node.place) }
        return to.map { .redirect(to: $0, status: status) }
    }

    private func respond(_ field: Field) -> RouteActionConfiguration? {
        guard let fields = fields(of: field, as: RespondKey.self) else { return nil }
        var status = Defaults.respondStatus
        var body = ""
        var contentType = Defaults.respondContentType
        for (key, entry) in fields {
            switch key {
            case .status: store(number(entry.field, in: 200...599), in: &status)
            case .body:
                store(
                    value(entry.field) { text throws(ScalarError) in
                        guard text.utf8.count <= Defaults.Bounds.respondBodyBytes else {
                            throw ScalarError("longer than \(Defaults.Bounds.respondBodyBytes / 1024) KiB", hint: "serve it from a target")
                        }
                        return text
                    }, in: &body)
            case .contentType: store(value(entry.field) { text throws(ScalarError) in try HTTPText.fieldValue(text) }, in: &contentType)
            }
        }
        if [204, 205, 304].contains(status), !body.isEmpty {
            let place = fields.first { $0.key == .body }?.entry.keyPlace ?? field.node.place
            findings.error("a \(status) response has no body", at: place)
        }
        return .respond(status: status, body: body, contentType: contentType)
    }

    private func match(_ field: Field) -> RouteMatchConfiguration? {
        var match = RouteMatchConfiguration()
        guard let fields = fields(of: field, as: MatchKey.self) else { return nil }
        for (key, entry) in fields {
            switch key {
            case .hosts:
                store(list(of: entry.field) { text throws(ScalarError) in try HostText.pattern(text) }?.map(\.value), in: &match.hosts)
            case .path: store(value(entry.field) { text throws(ScalarError) in try HTTPText.path(text) }, in: &match.path)
            case .methods: store(methods(entry.field), in: &match.methods)
            case .headers: store(matchedHeaders(entry.field), in: &match.headers)
            }
        }
        return match
    }

    private func methods(_ field: Field) -> [String]? {
        let methods = list(of: field) { text throws(ScalarError) in try HTTPText.method(text) }
        for method in methods ?? [] where method.value != method.value.uppercased() {
            findings.warning(
                "methods are case-sensitive; \(quoted(method.value)) is not \(quoted(method.value.uppercased()))", at: method.place)
        }
        return methods?.map(\.value)
    }

    private func matchedHeaders(_ field: Field) -> [HeaderValue]? {
        headers(field) { entry in
            guard asciiLowercased(entry.key) == "host" else { return true }
            findings.error("Host is not matched as a header", at: entry.keyPlace, hint: "use `hosts`")
            return false
        }?.map { HeaderValue(name: asciiLowercased($0.name), value: $0.value) }
    }

    private func prefix(_ text: String) throws(ScalarError) -> String {
        let path = try HTTPText.path(text)
        guard path != "/" else { throw ScalarError("`/` strips nothing", hint: "leave the key out") }
        guard !path.hasSuffix("/") else { throw ScalarError("\(quoted(text)) ends with `/`", hint: "write \(path.dropLast())") }
        return path
    }

    /// The prefix is taken off by length, so every path that the route matches must begin with it.
    private func checkPrefix(of route: RouteConfiguration, _ fields: [(key: RouteKey, entry: Node.Entry)]) {
        guard let prefix = route.stripPrefix, let entry = fields.first(where: { $0.key == .stripPrefix })?.entry else { return }
        let path = route.match.path
        guard path == prefix || path.hasPrefix(prefix + "/") else {
            findings.error(
                "`strip_prefix`: \(quoted(prefix)) is not the beginning of the route's path \(quoted(path))", at: entry.value.place,
                hint: "write match: { path: \(prefix) }")
            return
        }
    }

    /// A route that answers by itself sends nothing upstream, so these would be accepted and ignored.
    private func refuseUpstreamKeys(_ fields: [(key: RouteKey, entry: Node.Entry)]) {
        for (key, entry) in fields {
            switch key {
            case .requestHeaders: break
            case .stripPrefix, .rewriteHost:
                if case .scalar(let scalar) = entry.value.content, scalar.isNull { continue }
            case .match, .service, .redirect, .respond, .responseHeaders: continue
            }
            findings.error("\(quoted(entry.key)) has no effect on a route without `service`", at: entry.keyPlace, hint: "remove it")
        }
    }
}
