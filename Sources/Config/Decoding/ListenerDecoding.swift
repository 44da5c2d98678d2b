extension Decoder {
    mutating func listeners(_ field: Field) {
        draft.hasListeners = true
        guard let elements = elements(of: field) else { return }
        if elements.isEmpty { findings.error("`listeners` is empty", at: field.node.place) }
        for element in elements { listener(element) }
    }

    // MARK: - Private

    private mutating func listener(_ field: Field) {
        guard let fields = fields(of: field, as: ListenerKey.self) else { return }
        var name: String?
        var binds: [Located<Endpoint>]?
        for (key, entry) in fields {
            switch key {
            case .name:
                guard let text = value(entry.field, self.name(_:)) else { continue }
                name = text
                draft.listeners.append(Located(value: text, place: entry.value.place))
            case .bind:
                binds = list(of: entry.field) { text throws(ScalarError) in try Endpoint.parse(text, role: .bind) }
                if case .sequence(let nodes) = entry.value.content, nodes.isEmpty {
                    findings.error("`bind` is empty", at: entry.value.place, hint: "write [\"0.0.0.0:80\"]")
                }
                draft.binds += binds ?? []
            }
        }
        if !fields.contains(where: { $0.key == .name }) { findings.error("the listener has no `name`", at: field.node.place) }
        if !fields.contains(where: { $0.key == .bind }) {
            findings.error("the listener has no `bind`", at: field.node.place, hint: "write bind: [\"0.0.0.0:80\"]")
        }
        guard let name, let binds else { return }
        draft.configuration.listeners.append(ListenerConfiguration(name: name, bind: binds.map(\.value)))
    }
}
