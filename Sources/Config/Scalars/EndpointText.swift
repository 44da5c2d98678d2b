extension Endpoint {
    /// What an endpoint is for decides what it may be.
    enum Role {
        /// An address of this machine; port 0 lets the kernel choose.
        case bind
        /// May be a name, which the resolver looks up.
        case target
    }

    /// `host:port`, `[v6]:port`, `unix:/path`. IP literals come back in one spelling, names in lower case, so that equal endpoints are equal.
    static func parse(_ text: String, role: Role) throws(ScalarError) -> Endpoint {
        if text.hasPrefix("unix:") { return .unix(path: try unixPath(String(text.dropFirst(5)))) }
        if let scheme = text.firstRange(of: "://") {
            throw ScalarError("\(quoted(text)) is a URL", hint: "write host:port, here \(text[scheme.upperBound...].prefix { $0 != "/" })")
        }
        let (host, port) = try hostAndPort(text)
        let lowest = role == .bind ? 0 : 1
        guard let number = wholeNumber(port.utf8).flatMap({ UInt16(exactly: $0) }), port.utf8.count <= 5, number >= lowest else {
            throw ScalarError("\(quoted(text)) needs a port from \(lowest) to 65535")
        }
        return .tcp(host: try checkedHost(host, in: text, role: role), port: number)
    }

    /// A path for a Unix socket: absolute, short enough for the kernel.
    static func unixPath(_ path: String) throws(ScalarError) -> String {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw ScalarError("\(quoted(path)) is not an absolute path", hint: "write unix:/path")
        }
        guard path.utf8.count <= Defaults.Bounds.socketPathBytes else {
            throw ScalarError("the socket path is longer than \(Defaults.Bounds.socketPathBytes) bytes", hint: "the kernel takes no more")
        }
        return path
    }

    // MARK: - Private

    private static func hostAndPort(_ text: String) throws(ScalarError) -> (host: Substring, port: Substring) {
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw ScalarError("\(quoted(text)) lacks its `]`") }
            let host = text[text.index(after: text.startIndex)..<close]
            let tail = text[close...].dropFirst()
            guard tail.hasPrefix(":") else {
                throw ScalarError("\(quoted(text)) has no port", hint: "write \(text.prefix(through: close)):80")
            }
            guard IPAddress(host)?.bytes.count == 16 else {
                throw ScalarError(
                    "\(quoted(String(host))) is not an IPv6 address", hint: host.contains("%") ? "zones are not supported" : nil)
            }
            return (host, tail.dropFirst())
        }
        guard let colon = text.lastIndex(of: ":") else {
            throw ScalarError("\(quoted(text)) has no port", hint: "write \(text.isEmpty ? "host" : text):80")
        }
        let host = text[..<colon]
        guard !host.contains(":") else {
            throw ScalarError("\(quoted(text)) is ambiguous", hint: "put an IPv6 address in brackets: [::1]:80")
        }
        return (host, text[colon...].dropFirst())
    }

    private static func checkedHost(_ host: Substring, in text: String, role: Role) throws(ScalarError) -> String {
        if let address = IPAddress(host) { return address.canonicalText }
        if role == .bind, host.isEmpty || host == "*" {
            throw ScalarError("\(quoted(text)) names no address", hint: "for all addresses write 0.0.0.0 and [::], each with the port")
        }
        let name = try HostText.name(String(host))
        guard role == .target else {
            throw ScalarError(
                "\(quoted(text)): a listener binds to an address, not to a name", hint: "write 127.0.0.1, 0.0.0.0 or [::] and the port")
        }
        return name
    }
}
