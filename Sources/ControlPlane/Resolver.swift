internal import Config
internal import Dispatch
internal import Glibc
internal import Net
internal import Synchronization

/// Endpoints to addresses. Literals are parsed; names are looked up on threads of Dispatch's, never on a loop, and never longer than the deadline.
struct Resolver {
    struct Failure: Error, Equatable {
        var endpoint: Endpoint
        var reason: String
    }

    /// A name server that does not answer must not hold a reload for longer than an operator waits.
    var deadline: Duration = .seconds(5)
    /// The blocking lookup; a test hands in its own. All addresses, or the resolver's own words.
    var lookUp: @Sendable (_ host: String, _ port: UInt16) -> Result<[SocketAddress], Failure> = Resolver.getAddresses

    /// Every endpoint of the configuration, or the failures. Blocks the caller for at most the deadline.
    /// - Parameter previous: what was found before: kept while the name still has that address (answers rotate; targets must not),
    ///   and kept when the lookup fails if `keepsLastGood`.
    func resolve(_ endpoints: [Endpoint], previous: [Endpoint: SocketAddress], keepsLastGood: Bool) -> (
        found: [Endpoint: SocketAddress], failures: [Failure]
    ) {
        var found: [Endpoint: SocketAddress] = [:]
        var names: [Endpoint] = []
        for endpoint in endpoints where found[endpoint] == nil {
            if let address = Self.literal(endpoint) { found[endpoint] = address } else { names.append(endpoint) }
        }
        var failures: [Failure] = []
        for (endpoint, answer) in lookUpAll(names) {
            switch answer {
            case .success(let addresses):
                if let former = previous[endpoint], addresses.contains(former) {
                    found[endpoint] = former
                } else if let chosen = addresses.first(where: { $0.family == AF_INET }) ?? addresses.first {
                    // One address for one target. A name with both families is mostly a machine whose services listen on IPv4.
                    found[endpoint] = chosen
                } else {
                    failures.append(Failure(endpoint: endpoint, reason: "no address"))
                }
            case .failure(let failure):
                failures.append(failure)
            }
            if found[endpoint] == nil, keepsLastGood, let former = previous[endpoint] { found[endpoint] = former }
        }
        return (found, failures)
    }

    static func literal(_ endpoint: Endpoint) -> SocketAddress? {
        switch endpoint {
        case .tcp(let host, let port): SocketAddress(literal: host, port: port)
        case .unix(let path): .unix(path: path)
        }
    }

    // MARK: - Private

    private func lookUpAll(_ endpoints: [Endpoint]) -> [(Endpoint, Result<[SocketAddress], Failure>)] {
        var unique: [Endpoint] = []
        for endpoint in endpoints where !unique.contains(endpoint) { unique.append(endpoint) }
        guard !unique.isEmpty else { return [] }
        let answers = Answers<Result<[SocketAddress], Failure>>(count: unique.count)
        for (index, endpoint) in unique.enumerated() {
            guard case .tcp(let host, let port) = endpoint else { continue }
            DispatchQueue.global(qos: .utility).async { [lookUp] in answers.put(lookUp(host, port), at: index) }
        }
        return zip(unique, answers.wait(for: deadline)).map { endpoint, answer in
            (endpoint, answer ?? .failure(Failure(endpoint: endpoint, reason: "the name server did not answer in time")))
        }
    }

    private static func getAddresses(_ host: String, _ port: UInt16) -> Result<[SocketAddress], Failure> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else {
            return .failure(Failure(endpoint: .tcp(host: host, port: port), reason: String(cString: gai_strerror(result))))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = list
        while let entry = next {
            if let read = Sockaddr.read(entry.pointee), !addresses.contains(read) { addresses.append(read) }
            next = entry.pointee.ai_next
        }
        return .success(addresses)
    }
}
