package struct RouteConfiguration: Sendable, Equatable {
    package var match = RouteMatchConfiguration()
    package var action: RouteActionConfiguration
    package var requestHeaders = HeaderEdits()
    package var responseHeaders = HeaderEdits()
    /// Path prefix that is taken off before the request goes upstream; nil = none.
    package var stripPrefix: String?
    /// `Host` sent upstream; nil = the client's own.
    package var rewriteHost: String?
    /// Place in the file, "12:5", for messages and `explain`.
    package var place: String
    package init(action: RouteActionConfiguration, place: String) {
        self.action = action
        self.place = place
    }
}

package struct RouteMatchConfiguration: Sendable, Equatable {
    /// Lower case; exact names or `*.suffix`. Empty = every host. A port in the request's Host is ignored.
    package var hosts: [String] = []
    /// A prefix in whole segments: `/old` matches `/old` and `/old/x`, not `/older`. Begins with `/`.
    package var path: String = "/"
    /// Empty = every method. Compared exactly (methods are case-sensitive).
    package var methods: [String] = []
    /// Lower-case name and exact value; all must match.
    package var headers: [HeaderValue] = []
    package init() {}
}

package struct HeaderValue: Sendable, Equatable {
    package var name: String
    package var value: String
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

package struct HeaderEdits: Sendable, Equatable {
    /// Replaces every field of that name by one. Names as written in the file.
    package var set: [HeaderValue] = []
    /// Adds a field beside those that are there.
    package var add: [HeaderValue] = []
    package var remove: [String] = []
    package var isEmpty: Bool { self.set.isEmpty && add.isEmpty && remove.isEmpty }
    package init() {}
}

package enum RouteActionConfiguration: Sendable, Equatable {
    case service(String)
    /// `to` is the Location; `{path}` in it stands for the request's path and query.
    case redirect(to: String, status: Int)
    case respond(status: Int, body: String, contentType: String)
}
