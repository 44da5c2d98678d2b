/// What one route asks of a request, as it stands in the file. `RouteTable` is compiled from a list of these.
package struct RouteConditions: Sendable, Equatable {
    /// Exact names or `*.suffix`; empty, or a lone `*`, is every host. Compared without regard to case.
    package var hosts: [String]
    /// A prefix in whole segments. Slashes at its end do not count: `/old/` means the same as `/old`, and `/` everything.
    package var path: String
    /// Empty = every method. Compared exactly: methods are case-sensitive (RFC 9110 §9.1).
    package var methods: [String]
    /// All of them must be met.
    package var headers: [HeaderCondition]

    package init(hosts: [String] = [], path: String = "/", methods: [String] = [], headers: [HeaderCondition] = []) {
        self.hosts = hosts
        self.path = path
        self.methods = methods
        self.headers = headers
    }

    /// How particular the route is beyond host and path: its method list counts one, each header one.
    package var specificity: Int { (methods.isEmpty ? 0 : 1) + headers.count }
}

/// A field that must be there: one line of that name, whatever its case, whose trimmed value is exactly this.
package struct HeaderCondition: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
