extension Decoder {
    func sticky(_ field: Field) -> StickyConfiguration? {
        guard let fields = fields(of: field, as: StickyKey.self) else { return nil }
        var key: StickyConfiguration.Key?
        var issue: (flag: Bool, place: Place)?
        for (name, entry) in fields {
            switch name {
            case .key: key = stickyKey(entry.field)
            case .issue: issue = flag(entry.field).map { ($0, entry.keyPlace) }
            }
        }
        if !fields.contains(where: { $0.key == .key }) {
            findings.error("`sticky` has no `key`", at: field.node.place, hint: "write { key: { cookie: NAME } }, or header, or client_ip")
        }
        guard let key else { return nil }
        var sticky = StickyConfiguration(key: key)
        if let issue, issue.flag {
            guard isIssuable(key, at: issue.place) else { return nil }
            sticky.issue = true
        }
        return sticky
    }

    // MARK: - Private

    private func stickyKey(_ field: Field) -> StickyConfiguration.Key? {
        if case .scalar = field.node.content {
            return value(field) { text throws(ScalarError) in
                guard text == "client_ip" else {
                    let hint = Suggestion.hint(for: text, among: ["client_ip"]) ?? ""
                    throw ScalarError("\(quoted(text)) is not known here", hint: hint + "; or write { cookie: NAME }, { header: NAME }")
                }
                return .clientIP
            }
        }
        guard let fields = fields(of: field, as: StickyFieldKey.self) else { return nil }
        guard let first = fields.first, fields.count == 1 else {
            // One that is not known has been reported.
            if case .mapping(let entries) = field.node.content, entries.count != 1 {
                findings.error("a sticky key is read from one place", at: field.node.place, hint: "one of `cookie`, `header`, client_ip")
            }
            return nil
        }
        switch first.key {
        case .cookie: return value(first.entry.field) { text throws(ScalarError) in .cookie(try HTTPText.cookieName(text)) }
        case .header:
            return value(first.entry.field) { text throws(ScalarError) in
                let name = asciiLowercased(try HTTPText.fieldName(text))
                if name == "cookie" { throw ScalarError("the whole Cookie header changes often", hint: "write { cookie: NAME }") }
                return .header(name)
            }
        }
    }

    private func isIssuable(_ key: StickyConfiguration.Key, at place: Place) -> Bool {
        guard case .cookie(let name) = key else {
            findings.error("only a cookie can be issued", at: place, hint: "write key: { cookie: NAME }, or leave `issue` out")
            return false
        }
        // RFC 6265bis §4.1.3: browsers drop such a cookie unless it came with Secure, and that needs TLS.
        let lowercased = asciiLowercased(name)
        guard !lowercased.hasPrefix("__host-"), !lowercased.hasPrefix("__secure-") else {
            findings.error(
                "a cookie named \(quoted(name)) cannot be issued", at: place,
                hint: "browsers drop it unless it comes over TLS; take a name without the prefix")
            return false
        }
        return true
    }
}
