extension RequestHead {
    /// Sorts the request-target into its form (RFC 9112 §3.2) and fills the ranges that hang on it.
    mutating func readTarget(_ octets: Octets) throws(HTTPError) {
        let (start, end) = (Int(target.start), Int(target.end))
        if method == .connect {
            // authority-form: host and port, both there (RFC 9112 §3.2.3).
            authority = target
            host = try Authority.host(octets, target)
            guard host.end &+ 1 < target.end else { throw HTTPError(.malformedRequestLine) }
        } else if octets[start] == 0x2f {
            readPath(octets, from: start)
        } else if octets[start] == 0x2a {
            guard method == .options, end - start == 1 else { throw HTTPError(.malformedRequestLine) }
            isAsterisk = true
            pathAndQuery = target
            path = target
        } else {
            try readAbsoluteForm(octets)
        }
    }

    // MARK: - Private

    private mutating func readPath(_ octets: Octets, from start: Int) {
        pathAndQuery = ByteRange(start: UInt32(start), end: target.end)
        path = ByteRange(start: UInt32(start), end: UInt32(octets.firstIndex(of: 0x3f, from: start, to: Int(target.end))))
    }

    /// http or https, an authority, and a path that is empty or begins with "/". A query may stand right behind the authority (RFC 3986
    /// §3.3, path-abempty): the path is empty then, and whoever sends the target on puts the "/" that origin-form needs in front.
    private mutating func readAbsoluteForm(_ octets: Octets) throws(HTTPError) {
        isAbsoluteForm = true
        let start = target.start
        let scheme: UInt32
        if octets.begins(target, with: "http://") {
            scheme = 7
        } else if octets.begins(target, with: "https://") {
            scheme = 8
        } else {
            throw HTTPError(.malformedRequestLine)
        }
        var index = Int(start &+ scheme)
        while index < Int(target.end), octets[index] != 0x2f, octets[index] != 0x3f { index += 1 }
        authority = ByteRange(start: start &+ scheme, end: UInt32(index))
        host = try Authority.host(octets, authority)
        guard index < Int(target.end) else {
            pathAndQuery = ByteRange(start: target.end, end: target.end)
            path = pathAndQuery
            // RFC 9112 §3.2.4: the last proxy turns an OPTIONS without path into "*".
            isAsterisk = method == .options
            return
        }
        readPath(octets, from: index)
    }
}

extension Octets {
    fileprivate func begins(_ range: ByteRange, with literal: StaticString) -> Bool {
        guard range.count >= literal.utf8CodeUnitCount else { return false }
        return equals(literal, ByteRange(start: range.start, end: range.start &+ UInt32(literal.utf8CodeUnitCount)))
    }
}
