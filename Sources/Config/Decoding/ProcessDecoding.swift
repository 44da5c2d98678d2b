/// The top of the file: what concerns the whole process.
extension Decoder {
    /// False when the file is no mapping at all, so that nothing can be said about its parts.
    mutating func configuration(_ root: Node) -> Bool {
        draft.root = root.place
        guard case .mapping = root.content else {
            if case .refused = root.content { return false }
            findings.error("the file must be a mapping (`key: value`)", at: root.place)
            return false
        }
        guard let fields = fields(of: Field(label: "the file", node: root), as: RootKey.self) else { return false }
        var routes: Field?
        var services: Field?
        for (key, entry) in fields {
            switch key {
            case .workers: store(workers(entry.field), in: &draft.configuration.workers)
            case .stateDir: store(filePath(entry.field), in: &draft.configuration.stateDirectory)
            case .admin: admin(entry.field)
            case .accessLog: accessLog(entry.field)
            case .shutdown: shutdown(entry.field)
            case .defaults: defaults(entry.field)
            case .trustedProxies:
                let blocks = list(of: entry.field) { text throws(ScalarError) in try AddressBlock.parse(text) }
                store(blocks?.map(\.value), in: &draft.configuration.trustedProxies)
            case .listeners: listeners(entry.field)
            case .routes: routes = entry.field
            case .services: services = entry.field
            }
        }
        // Services inherit the defaults, wherever in the file those stand.
        if let services { self.services(services) }
        if let routes { self.routes(routes) }
        resolveRedirects()
        return true
    }

    // MARK: - Private

    private func workers(_ field: Field) -> WorkerCount? {
        value(field) { text throws(ScalarError) in
            if text == "auto" { return .auto }
            let range = Defaults.Bounds.workers
            guard let count = wholeNumber(text.utf8).flatMap({ Int(exactly: $0) }), range.contains(count) else {
                throw ScalarError(
                    "\(quoted(text)) is neither `auto` nor a number from \(range.lowerBound) to \(range.upperBound)",
                    hint: text == "0" ? "write auto for one per core" : nil)
            }
            return .exactly(count)
        }
    }

    private mutating func admin(_ field: Field) {
        guard let fields = fields(of: field, as: AdminKey.self) else { return }
        var tokenFile: Node.Entry?
        for (key, entry) in fields {
            switch key {
            case .socket:
                guard let path = filePath(entry.field) else { continue }
                if path.utf8.count > Defaults.Bounds.socketPathBytes {
                    findings.error(
                        "`socket`: the path is longer than \(Defaults.Bounds.socketPathBytes) bytes", at: entry.value.place,
                        hint: "the kernel takes no more"
                    )
                } else {
                    draft.configuration.admin.socket = path
                }
            case .listen:
                guard let endpoint = value(entry.field, adminEndpoint) else { continue }
                draft.configuration.admin.listen = endpoint
                draft.binds.append(Located(value: endpoint, place: entry.value.place))
            case .tokenFile:
                tokenFile = entry
                draft.configuration.admin.tokenFile = filePath(entry.field)
            }
        }
        if let tokenFile, !fields.contains(where: { $0.key == .listen }) {
            findings.warning("`token_file` is never used", at: tokenFile.keyPlace, hint: "only clients of `listen` show a token")
        }
    }

    private func adminEndpoint(_ text: String) throws(ScalarError) -> Endpoint {
        let endpoint = try Endpoint.parse(text, role: .bind)
        guard case .tcp = endpoint else {
            throw ScalarError("\(quoted(text)) is not a TCP address", hint: "the Unix socket is `socket`; write 127.0.0.1:9180")
        }
        return endpoint
    }

    private mutating func accessLog(_ field: Field) {
        for (key, entry) in fields(of: field, as: AccessLogKey.self) ?? [] {
            switch key {
            case .path:
                let path = value(entry.field) { text throws(ScalarError) in text == "-" ? text : try filePath(text) }
                store(path, in: &draft.configuration.accessLog.path)
            case .format:
                let formats: KeyValuePairs<String, AccessLogFormat> = ["json": .json, "combined": .combined, "off": .off]
                store(choice(entry.field, formats), in: &draft.configuration.accessLog.format)
            }
        }
    }

    private mutating func shutdown(_ field: Field) {
        for (key, entry) in fields(of: field, as: ShutdownKey.self) ?? [] {
            switch key {
            case .lameDuck: store(duration(entry.field, allowingZero: true), in: &draft.configuration.shutdown.lameDuck)
            case .drainTimeout: store(duration(entry.field, allowingZero: true), in: &draft.configuration.shutdown.drainTimeout)
            }
        }
    }
}
