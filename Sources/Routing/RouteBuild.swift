internal import Config

extension Route {
    static func build(_ file: RouteConfiguration, services: [String: Service]) throws(SnapshotError) -> Route {
        Route(
            name: file.place, action: try action(file, services: services), requestEdits: CompiledEdits(file.requestHeaders),
            responseEdits: CompiledEdits(file.responseHeaders), stripPrefixLength: try stripPrefixLength(file),
            rewriteHost: Array((file.rewriteHost ?? "").utf8),
            answersChallenges: file.match.path.hasPrefix("/.well-known/acme-challenge"),
            editsTransportSecurity: file.responseHeaders.concernsTransportSecurity)
    }

    // MARK: - Private

    private static func action(_ file: RouteConfiguration, services: [String: Service]) throws(SnapshotError) -> RouteAction {
        switch file.action {
        case .service(let name):
            guard let service = services[name] else { throw .unknownService(name, route: file.place) }
            return .service(service)
        case .redirect(let to, let status): return .redirect(to: Array(to.utf8), status: try code(status, file))
        case .respond(let status, let body, let contentType):
            return .respond(status: try code(status, file), body: Array(body.utf8), contentType: Array(contentType.utf8))
        }
    }

    private static func code(_ status: Int, _ file: RouteConfiguration) throws(SnapshotError) -> UInt16 {
        guard (200...599).contains(status) else { throw .statusOutOfRange(status, route: file.place) }
        return UInt16(status)
    }

    /// Slashes at the end do not count, as in `match.path`: what is left of `/api/x` without `/api/` must still begin with one.
    private static func stripPrefixLength(_ file: RouteConfiguration) throws(SnapshotError) -> Int {
        guard let text = file.stripPrefix else { return 0 }
        let prefix = trimmed(text)
        let path = trimmed(file.match.path)
        guard path.starts(with: prefix), path.count == prefix.count || path[prefix.count] == UInt8(ascii: "/") else {
            throw .stripPrefixOutsidePath(text, route: file.place)
        }
        return prefix.count
    }

    private static func trimmed(_ path: String) -> [UInt8] {
        var bytes = Array(path.utf8)
        while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return bytes
    }
}

extension HeaderEdits {
    fileprivate var concernsTransportSecurity: Bool {
        (remove + set.map(\.name) + add.map(\.name)).contains { $0.lowercased() == "strict-transport-security" }
    }
}

extension CompiledEdits {
    init(_ file: HeaderEdits) {
        self.init()
        for name in file.remove + file.set.map(\.name) {
            let lowered = name.utf8.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
            if !dropped.contains(lowered) { dropped.append(lowered) }
        }
        for field in file.set + file.add { lines += Array("\(field.name): \(field.value)\r\n".utf8) }
    }
}
