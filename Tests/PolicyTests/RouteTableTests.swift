import Policy
import Testing

@Suite("RouteTable")
struct RouteTableTests {
    @Test("an exact host beats a wildcard, a longer wildcard a shorter one, and both beat every-host")
    func hostOrder() {
        let table = RouteTable([
            RouteConditions(), RouteConditions(hosts: ["*.com"]), RouteConditions(hosts: ["*.example.com"]),
            RouteConditions(hosts: ["a.example.com"]),
        ])
        #expect(search(table, "a.example.com") == 3)
        #expect(search(table, "b.example.com") == 2)
        #expect(search(table, "x.y.example.com") == 2)
        #expect(search(table, "example.com") == 1)
        #expect(search(table, "com") == 0)
        #expect(search(table, ".com") == 0)
        #expect(search(table, "") == 0)
    }

    @Test("the case of a host and one dot at its end do not count")
    func hostSpelling() {
        let table = RouteTable([RouteConditions(hosts: ["Shop.Example.com"]), RouteConditions(hosts: ["*.Example.org"])])
        #expect(search(table, "shop.EXAMPLE.com") == 0)
        #expect(search(table, "shop.example.com.") == 0)
        #expect(search(table, "A.example.ORG.") == 1)
        #expect(search(table, "shop.example.com..") == nil)
    }

    @Test("a path matches in whole segments and the longest one rules")
    func paths() {
        let table = RouteTable([
            RouteConditions(path: "/"), RouteConditions(path: "/old"), RouteConditions(path: "/old/deep/"), RouteConditions(path: "/older"),
        ])
        #expect(search(table, "h", "/old") == 1)
        #expect(search(table, "h", "/old/") == 1)
        #expect(search(table, "h", "/old/x") == 1)
        #expect(search(table, "h", "/old/deep") == 2)
        #expect(search(table, "h", "/old/deep/er") == 2)
        #expect(search(table, "h", "/old/deeper") == 1)
        #expect(search(table, "h", "/older") == 3)
        #expect(search(table, "h", "/oldest") == 0)
        #expect(search(table, "h", "/OLD") == 0)
        #expect(search(table, "h", "*") == 0)
        #expect(search(table, "h", "") == 0)
    }

    @Test("most conditions first, ties in file order")
    func conditions() {
        let header = HeaderCondition(name: "X-Env", value: "prod")
        let other = HeaderCondition(name: "x-tier", value: "1")
        let table = RouteTable([
            RouteConditions(), RouteConditions(), RouteConditions(methods: ["GET", "HEAD"]), RouteConditions(headers: [header]),
            RouteConditions(methods: ["GET"], headers: [header]), RouteConditions(headers: [header, other]),
        ])
        #expect(search(table, "h", "/", "POST") == 0)
        #expect(search(table, "h", "/", "GET") == 2)
        #expect(search(table, "h", "/", "get") == 0)
        #expect(search(table, "h", "/", "POST", [header]) == 3)
        #expect(search(table, "h", "/", "GET", [header]) == 4)
        #expect(search(table, "h", "/", "GET", [header, other]) == 4)
        #expect(search(table, "h", "/", "POST", [header, other]) == 5)
        #expect(search(table, "h", "/", "POST", [HeaderCondition(name: "x-env", value: "PROD")]) == 0)
    }

    @Test("when no route of the best host is met the next less particular host is tried")
    func hostFallback() {
        let table = RouteTable([
            RouteConditions(hosts: ["a.b.c"], path: "/only"), RouteConditions(hosts: ["*.b.c"], methods: ["PUT"]),
            RouteConditions(hosts: ["*.c"], path: "/c"), RouteConditions(path: "/any"),
        ])
        #expect(search(table, "a.b.c", "/only") == 0)
        #expect(search(table, "a.b.c", "/x", "PUT") == 1)
        #expect(search(table, "a.b.c", "/c/d") == 2)
        #expect(search(table, "a.b.c", "/any") == 3)
        #expect(search(table, "a.b.c", "/none") == nil)
    }

    @Test("an empty table meets nothing")
    func empty() {
        #expect(search(RouteTable([]), "a.b", "/x") == nil)
    }

    @Test("hostile hosts and paths neither trap nor match")
    func hostile() {
        let table = RouteTable([RouteConditions(hosts: ["*.b.c", "a.b.c"], path: "/x")])
        for host in ["", ".", "..", "....b.c", String(repeating: "a.", count: 5000), "\u{0}.c", "b.c"] {
            for path in ["", "/", "//", String(repeating: "/", count: 5000), "/x\u{0}"] { #expect(search(table, host, path) == nil) }
        }
    }

    @Test("random tables agree with a search that tries every route")
    func agreesWithNaiveSearch() {
        var random = SeededRandom.announced("route tables")
        for _ in 0..<60 {
            let routes = (0..<Int.random(in: 1...40, using: &random)).map { _ in RandomRoutes.route(&random) }
            let table = RouteTable(routes)
            for _ in 0..<200 {
                let host = RandomRoutes.host(&random)
                let path = RandomRoutes.path(&random)
                let method = RandomRoutes.methods.randomElement(using: &random) ?? "GET"
                let headers = RandomRoutes.headers(&random)
                let expected = NaiveRoutes.match(routes, host: host, path: path, method: method, headers: headers)
                #expect(
                    search(table, host, path, method, headers) == expected,
                    "\(method) \(host) \(path) \(headers) in \(routes)")
            }
        }
    }
}

func search(
    _ table: borrowing RouteTable, _ host: String, _ path: String = "/", _ method: String = "GET", _ headers: [HeaderCondition] = []
) -> Int? {
    Array(host.utf8).withUnsafeBytes { host in
        Array(path.utf8).withUnsafeBytes { path in
            Array(method.utf8).withUnsafeBytes { method in
                table.match(host: host, path: path, method: method) { name, value in
                    headers.contains { $0.name.lowercased().utf8.elementsEqual(name) && $0.value.utf8.elementsEqual(value) }
                }
            }
        }
    }
}

/// The order of DESIGN §5.1 taken literally.
enum NaiveRoutes {
    static func match(_ routes: [RouteConditions], host: String, path: String, method: String, headers: [HeaderCondition]) -> Int? {
        var best: (index: Int, rank: [Int])?
        for (index, route) in routes.enumerated() {
            let patterns = route.hosts.isEmpty ? ["*"] : route.hosts
            guard let hostRank = patterns.compactMap({ specificity(of: $0, host: host) }).max() else { continue }
            let prefix = route.path.hasSuffix("/") ? String(route.path.dropLast()) : route.path
            guard prefix.isEmpty || path == prefix || path.hasPrefix(prefix + "/") else { continue }
            guard route.methods.isEmpty || route.methods.contains(method) else { continue }
            guard route.headers.allSatisfy({ wanted in headers.contains { $0 == wanted } }) else { continue }
            let rank = [hostRank, prefix.utf8.count, (route.methods.isEmpty ? 0 : 1) + route.headers.count]
            if let current = best, !current.rank.lexicographicallyPrecedes(rank) { continue }
            best = (index, rank)
        }
        return best?.index
    }

    private static func specificity(of pattern: String, host: String) -> Int? {
        if pattern == "*" { return 0 }
        if pattern.hasPrefix("*.") {
            let suffix = pattern.dropFirst(1)
            return host.hasSuffix(suffix) && host.utf8.count > suffix.utf8.count ? suffix.utf8.count : nil
        }
        return host == pattern ? 1_000_000 : nil
    }
}

enum RandomRoutes {
    static let methods = ["GET", "POST", "PUT"]

    static func route(_ random: inout SeededRandom) -> RouteConditions {
        var route = RouteConditions()
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            route.hosts.append(Bool.random(using: &random) ? host(&random) : "*." + host(&random))
        }
        route.path = path(&random)
        if Int.random(in: 0...2, using: &random) == 0 { route.methods = [methods.randomElement(using: &random) ?? "GET"] }
        if Int.random(in: 0...2, using: &random) == 0 { route.headers = headers(&random) }
        return route
    }

    static func host(_ random: inout SeededRandom) -> String { words(1...4, random: &random).joined(separator: ".") }

    static func path(_ random: inout SeededRandom) -> String {
        let path = "/" + words(0...4, random: &random).joined(separator: "/")
        return path.count > 1 && Int.random(in: 0...5, using: &random) == 0 ? path + "/" : path
    }

    static func headers(_ random: inout SeededRandom) -> [HeaderCondition] {
        ["x-a", "x-b"].prefix(Int.random(in: 0...2, using: &random)).map {
            HeaderCondition(name: $0, value: Bool.random(using: &random) ? "1" : "2")
        }
    }

    private static func words(_ count: ClosedRange<Int>, random: inout SeededRandom) -> [String] {
        (0..<Int.random(in: count, using: &random)).map { _ in ["a", "b", "ab", "aa"].randomElement(using: &random) ?? "a" }
    }
}
