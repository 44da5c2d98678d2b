extension Decoder {
    /// The rules of a service that are sound.
    func rules(_ field: Field, among pools: [String]) -> [RuleConfiguration] {
        guard let elements = elements(of: field) else { return [] }
        if elements.count > Defaults.Bounds.rules {
            findings.error(
                "\(elements.count) rules are too many", at: field.node.place,
                hint: "at most \(Defaults.Bounds.rules): each is tried for each request")
            return []
        }
        return elements.compactMap { rule($0, among: pools) }
    }

    // MARK: - Private

    private func rule(_ field: Field, among pools: [String]) -> RuleConfiguration? {
        let errorsBefore = findings.errorCount
        guard let fields = fields(of: field, as: RuleKey.self) else { return nil }
        let place = field.node.place
        var rule = RuleConfiguration(pool: "", place: "\(place.line):\(place.column)")
        var pool: String?
        for (key, entry) in fields {
            switch key {
            case .when: when(entry.field, of: &rule)
            case .pool:
                guard let name = text(entry.field) else { continue }
                guard pools.contains(name) else {
                    findings.error(
                        "no pool \(quoted(name)) in this service", at: entry.value.place, hint: Suggestion.hint(for: name, among: pools))
                    continue
                }
                pool = name
            }
        }
        if !fields.contains(where: { $0.key == .pool }) {
            findings.error("the rule has no `pool`", at: place, hint: "write { when: { header: { x-preview: green } }, pool: green }")
        }
        if !fields.contains(where: { $0.key == .when }) {
            findings.error("the rule has no `when`", at: place, hint: "what shall hold for every request belongs into `split`")
        }
        guard findings.errorCount == errorsBefore, let pool else { return nil }
        rule.pool = pool
        return rule
    }

    private func when(_ field: Field, of rule: inout RuleConfiguration) {
        let errorsBefore = findings.errorCount
        guard let fields = fields(of: field, as: RuleConditionKey.self) else { return }
        for (key, entry) in fields {
            switch key {
            case .header: store(ruleHeaders(entry.field), in: &rule.headers)
            case .cookie: store(pairs(entry.field, name: HTTPText.cookieName, value: HTTPText.cookieValue), in: &rule.cookies)
            case .query: store(pairs(entry.field, name: HTTPText.queryName, value: HTTPText.queryValue), in: &rule.query)
            case .client:
                let blocks = list(of: entry.field) { text throws(ScalarError) in try AddressBlock.parse(text) }
                store(blocks?.map(\.value), in: &rule.clients)
            }
        }
        // An empty list is not "any": it was meant to say something.
        guard findings.errorCount == errorsBefore else { return }
        if rule.headers.isEmpty, rule.cookies.isEmpty, rule.query.isEmpty, rule.clients.isEmpty {
            findings.error("`when` has no condition", at: field.node.place, hint: "add one of `header`, `cookie`, `query`, `client`")
        } else if let empty = fields.first(where: { $0.entry.value.isEmpty })?.entry {
            findings.error("\(quoted(empty.key)) is empty", at: empty.value.place, hint: "leave the key out")
        }
    }

    private func ruleHeaders(_ field: Field) -> [HeaderValue]? {
        headers(field) { entry in
            guard asciiLowercased(entry.key) == "host" else { return true }
            findings.error("Host is not matched by a rule", at: entry.keyPlace, hint: "use a route with `match: { hosts: [...] }`")
            return false
        }?.map { HeaderValue(name: asciiLowercased($0.name), value: $0.value) }
    }

    /// `name: value` pairs whose names have a case.
    private func pairs(
        _ field: Field, name: (String) throws(ScalarError) -> String, value: (String) throws(ScalarError) -> String
    ) -> [HeaderValue]? {
        entries(of: field).map { entries in
            entries.compactMap { entry in
                do throws(ScalarError) {
                    let name = try name(entry.key)
                    return self.value(entry.field, value).map { HeaderValue(name: name, value: $0) }
                } catch {
                    findings.error("\(quoted(field.label)): \(error.message)", at: entry.keyPlace, hint: error.hint)
                    return nil
                }
            }
        }
    }
}

extension Node {
    fileprivate var isEmpty: Bool {
        switch content {
        case .mapping(let entries): entries.isEmpty
        case .sequence(let elements): elements.isEmpty
        case .scalar, .refused: false
        }
    }
}
