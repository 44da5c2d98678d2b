extension RouteTable {
    /// Compiles the routes, given in file order.
    package init(_ routes: [RouteConditions]) {
        var compiler = RouteTableCompiler()
        for (index, route) in routes.enumerated() { compiler.add(route, index: index) }
        self.init(compiler.finish(routes))
    }

    private init(_ parts: RouteTableCompiler.Parts) {
        bytes = parts.bytes
        hosts = parts.hosts
        exactHosts = parts.exactHosts
        wildcardHosts = parts.wildcardHosts
        everyHost = parts.everyHost
        longestSuffix = parts.longestSuffix
        paths = parts.paths
        pathIndex = parts.pathIndex
        candidates = parts.candidates
        methods = parts.methods
        headers = parts.headers
    }
}

/// Collects hosts, paths and candidates; then links each to its next less particular one.
struct RouteTableCompiler {
    struct Parts {
        var bytes: [UInt8] = []
        var hosts: [RouteTable.Host] = []
        var exactHosts = HashIndex(capacity: 0)
        var wildcardHosts = HashIndex(capacity: 0)
        var everyHost = -1
        var longestSuffix = 0
        var paths: [RouteTable.Path] = []
        var pathIndex = HashIndex(capacity: 0)
        var candidates: [RouteTable.Candidate] = []
        var methods: [RouteTable.Slice] = []
        var headers: [RouteTable.Header] = []
    }

    private enum HostKey: Hashable {
        case exact([UInt8])
        case wildcard([UInt8])
        case every
    }

    private struct PathKey: Hashable {
        var host: Int
        var prefix: [UInt8]
    }

    private var parts = Parts()
    private var hostRows: [HostKey: Int] = [:]
    private var pathRows: [PathKey: Int] = [:]
    /// Route indices of each path, in file order.
    private var routesOfPath: [[Int]] = []

    mutating func add(_ route: RouteConditions, index: Int) {
        let keys = route.hosts.isEmpty ? [HostKey.every] : route.hosts.map(Self.hostKey)
        var prefix = Array(route.path.utf8)
        while prefix.last == UInt8(ascii: "/") { prefix.removeLast() }
        for key in keys {
            let path = pathRow(PathKey(host: hostRow(key), prefix: prefix))
            // A host named twice in one route.
            if routesOfPath[path].last != index { routesOfPath[path].append(index) }
        }
    }

    mutating func finish(_ routes: [RouteConditions]) -> Parts {
        linkHosts()
        linkPaths()
        addCandidates(routes)
        return parts
    }

    // MARK: - Private

    private static func hostKey(_ pattern: String) -> HostKey {
        let name = pattern.utf8.map(lowercased)
        if name == [UInt8(ascii: "*")] { return .every }
        if name.starts(with: "*.".utf8) { return .wildcard(Array(name.dropFirst(2))) }
        return .exact(name)
    }

    private mutating func hostRow(_ key: HostKey) -> Int {
        if let row = hostRows[key] { return row }
        let row = parts.hosts.count
        switch key {
        case .exact(let name): parts.hosts.append(RouteTable.Host(name: slice(name)))
        case .wildcard(let suffix):
            parts.hosts.append(RouteTable.Host(name: slice(suffix)))
            parts.longestSuffix = max(parts.longestSuffix, suffix.count)
        case .every:
            parts.hosts.append(RouteTable.Host(name: RouteTable.Slice()))
            parts.everyHost = row
        }
        hostRows[key] = row
        return row
    }

    private mutating func pathRow(_ key: PathKey) -> Int {
        if let row = pathRows[key] { return row }
        let row = parts.paths.count
        parts.paths.append(RouteTable.Path(host: key.host, prefix: slice(key.prefix)))
        routesOfPath.append([])
        pathRows[key] = row
        return row
    }

    private mutating func slice(_ added: [UInt8]) -> RouteTable.Slice {
        defer { parts.bytes.append(contentsOf: added) }
        return RouteTable.Slice(start: parts.bytes.count, count: added.count)
    }

    private mutating func linkHosts() {
        parts.exactHosts = HashIndex(capacity: hostRows.count)
        parts.wildcardHosts = HashIndex(capacity: hostRows.count)
        for (key, row) in hostRows {
            switch key {
            case .exact(let name):
                parts.exactHosts.insert(Self.hashFromEnd(name), row: row)
                parts.hosts[row].fallback = wildcard(above: name)
            case .wildcard(let suffix):
                parts.wildcardHosts.insert(Self.hashFromEnd(suffix), row: row)
                parts.hosts[row].fallback = wildcard(above: suffix)
            case .every: break
            }
        }
    }

    /// The longest wildcard that takes what `name` names, or every-host.
    private func wildcard(above name: [UInt8]) -> Int {
        for (index, byte) in name.enumerated() where byte == UInt8(ascii: ".") && index > 0 {
            if let row = hostRows[.wildcard(Array(name[(index + 1)...]))] { return row }
        }
        return parts.everyHost
    }

    private mutating func linkPaths() {
        parts.pathIndex = HashIndex(capacity: pathRows.count)
        for (key, row) in pathRows {
            if key.prefix.isEmpty {
                parts.hosts[key.host].root = row
                continue
            }
            var hash = ByteHash()
            for byte in key.prefix { hash.add(byte) }
            parts.pathIndex.insert(RouteTable.key(hash.value, host: key.host), row: row)
            parts.hosts[key.host].longestPath = max(parts.hosts[key.host].longestPath, key.prefix.count)
            parts.paths[row].fallback = path(above: key)
        }
    }

    private func path(above key: PathKey) -> Int {
        for index in key.prefix.indices.reversed() where index == 0 || key.prefix[index] == UInt8(ascii: "/") {
            if let row = pathRows[PathKey(host: key.host, prefix: Array(key.prefix[..<index]))] { return row }
        }
        return -1
    }

    private mutating func addCandidates(_ routes: [RouteConditions]) {
        var compiled: [RouteTable.Candidate] = []
        for (index, route) in routes.enumerated() {
            var candidate = RouteTable.Candidate(route: index)
            let methods = parts.methods.count
            for method in route.methods { parts.methods.append(slice(Array(method.utf8))) }
            candidate.methods = methods..<parts.methods.count
            let headers = parts.headers.count
            for header in route.headers {
                parts.headers.append(
                    RouteTable.Header(name: slice(header.name.utf8.map(lowercased)), value: slice(Array(header.value.utf8))))
            }
            candidate.headers = headers..<parts.headers.count
            compiled.append(candidate)
        }
        for row in parts.paths.indices {
            let start = parts.candidates.count
            let sorted = routesOfPath[row].sorted {
                (routes[$1].specificity, $0) < (routes[$0].specificity, $1)
            }
            for index in sorted { parts.candidates.append(compiled[index]) }
            parts.paths[row].candidates = start..<parts.candidates.count
        }
    }

    private static func hashFromEnd(_ name: [UInt8]) -> UInt64 {
        var hash = ByteHash()
        for byte in name.reversed() { hash.add(byte) }
        return hash.value
    }
}
