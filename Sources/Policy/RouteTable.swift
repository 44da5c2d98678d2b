/// All routes, compiled for one question: which is the most particular one that this request meets?
///
/// Order (DESIGN §5.1): longest host (an exact name before `*.suffix`, a longer suffix before a shorter one, both before every-host), then longest
/// path in whole segments, then most conditions, then file order. When no route of the best host is met, the next less particular host is tried.
/// Hosts and paths are compared as bytes of the request, nothing is decoded or repaired; the case of a host and one dot at its end do not count.
///
/// A search hashes the host once from its end and the path once from its front; all prefixes of interest are looked up on the way, so that its
/// cost grows with the length of the request, not with the number of routes. It allocates nothing. Immutable: any thread may search.
package struct RouteTable: ~Copyable, Sendable {
    /// A host pattern. Whatever matches it also matches its `fallback`.
    struct Host: Sendable {
        /// Lower case, without `*.`; empty for every-host.
        var name: Slice
        /// The next less particular host; -1 at the end.
        var fallback = -1
        /// The path node of `/`; -1 when there is none.
        var root = -1
        /// Length of its longest path.
        var longestPath = 0
    }

    /// A path of a host. Whatever matches it also matches its `fallback`.
    struct Path: Sendable {
        var host: Int
        /// Without slashes at its end; empty for `/`.
        var prefix: Slice
        /// The next shorter path of this host that is a prefix of this one; -1 at the end.
        var fallback = -1
        /// Its routes in `candidates`, most conditions first, then in file order.
        var candidates: Range<Int> = 0..<0
    }

    struct Candidate: Sendable {
        var route: Int
        /// In `methods`; empty = every method.
        var methods: Range<Int> = 0..<0
        /// In `headers`.
        var headers: Range<Int> = 0..<0
    }

    struct Header: Sendable {
        var name: Slice
        var value: Slice
    }

    /// A range of `bytes`.
    struct Slice: Sendable {
        var start = 0
        var count = 0
    }

    let bytes: [UInt8]
    let hosts: [Host]
    let exactHosts: HashIndex
    let wildcardHosts: HashIndex
    /// Row of every-host; -1 when no route takes every host.
    let everyHost: Int
    /// Length of the longest suffix behind a `*.`; 0 when there is no wildcard.
    let longestSuffix: Int
    let paths: [Path]
    let pathIndex: HashIndex
    let candidates: [Candidate]
    let methods: [Slice]
    let headers: [Header]

    /// The index, in the list that the table was compiled from, of the route that rules; nil when none is met.
    /// - Parameters:
    ///   - host: without port; empty for a request without `Host`, which only every-host takes.
    ///   - path: without query.
    ///   - hasHeader: whether a field of this name (lower case) has exactly this value; only called for routes with header conditions.
    package borrowing func match(
        host: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer,
        hasHeader: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) -> Int? {
        var row = findHost(host)
        while row >= 0 {
            let candidate = hosts.span[row]
            var node = findPath(path, of: row, candidate)
            while node >= 0 {
                if let route = firstMet(paths.span[node].candidates, method: method, hasHeader: hasHeader) { return route }
                node = paths.span[node].fallback
            }
            row = candidate.fallback
        }
        return nil
    }

    // MARK: - Private

    private borrowing func findHost(_ host: UnsafeRawBufferPointer) -> Int {
        var count = host.count
        if count > 0 && host[count - 1] == UInt8(ascii: ".") { count -= 1 }
        guard count > 0 else { return everyHost }
        var hash = ByteHash()
        var best = everyHost
        var index = count
        while index > 0 {
            index -= 1
            let byte = lowercased(host[index])
            // A wildcard stands for one label or more, so there must be something before the dot.
            if byte == UInt8(ascii: ".") && index > 0 && count - index - 1 <= longestSuffix {
                let suffix = UnsafeRawBufferPointer(rebasing: host[(index + 1)..<count])
                let row = wildcardHosts.find(hash.value) { isName(hosts.span[$0].name, suffix) }
                if row >= 0 { best = row }
            }
            hash.add(byte)
        }
        let name = UnsafeRawBufferPointer(rebasing: host[..<count])
        let row = exactHosts.find(hash.value) { isName(hosts.span[$0].name, name) }
        return row >= 0 ? row : best
    }

    private borrowing func findPath(_ path: UnsafeRawBufferPointer, of row: Int, _ host: Host) -> Int {
        var best = host.root
        let end = min(path.count, host.longestPath)
        guard end > 0 else { return best }
        var hash = ByteHash()
        var index = 0
        while true {
            if index > 0 && (index == path.count || path[index] == UInt8(ascii: "/")) {
                let prefix = UnsafeRawBufferPointer(rebasing: path[..<index])
                let node = pathIndex.find(Self.key(hash.value, host: row)) { node in
                    let candidate = paths.span[node]
                    return candidate.host == row && isEqual(candidate.prefix, prefix)
                }
                if node >= 0 { best = node }
            }
            guard index < end else { return best }
            hash.add(path[index])
            index += 1
        }
    }

    private borrowing func firstMet(
        _ range: Range<Int>, method: UnsafeRawBufferPointer,
        hasHeader: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) -> Int? {
        for index in range {
            let candidate = candidates.span[index]
            if accepts(candidate.methods, method) && (candidate.headers.isEmpty || meets(candidate.headers, hasHeader)) {
                return candidate.route
            }
        }
        return nil
    }

    private borrowing func accepts(_ range: Range<Int>, _ method: UnsafeRawBufferPointer) -> Bool {
        if range.isEmpty { return true }
        for index in range where isEqual(methods.span[index], method) { return true }
        return false
    }

    private borrowing func meets(
        _ range: Range<Int>, _ hasHeader: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        bytes.withUnsafeBytes { all in
            for index in range {
                let header = headers.span[index]
                let name = all[header.name.start..<(header.name.start + header.name.count)]
                let value = all[header.value.start..<(header.value.start + header.value.count)]
                if !hasHeader(UnsafeRawBufferPointer(rebasing: name), UnsafeRawBufferPointer(rebasing: value)) { return false }
            }
            return true
        }
    }

    /// The hash under which a path of a host is kept.
    static func key(_ path: UInt64, host: Int) -> UInt64 { path ^ (UInt64(truncatingIfNeeded: host) &+ 1) &* 0xD6E8_FEB8_6659_FD93 }

    private borrowing func isName(_ slice: Slice, _ other: UnsafeRawBufferPointer) -> Bool {
        guard slice.count == other.count else { return false }
        let all = bytes.span
        for index in 0..<slice.count where all[slice.start + index] != lowercased(other[index]) { return false }
        return true
    }

    private borrowing func isEqual(_ slice: Slice, _ other: UnsafeRawBufferPointer) -> Bool {
        guard slice.count == other.count else { return false }
        let all = bytes.span
        for index in 0..<slice.count where all[slice.start + index] != other[index] { return false }
        return true
    }
}
