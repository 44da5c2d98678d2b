import Config
import HTTP
import Net
import Policy
import Routing

enum Fixture {
    /// 10.0.0.`last`:80.
    static func address(_ last: UInt8, port: UInt16 = 80) -> SocketAddress {
        .v4(address: UInt32(bigEndian: 10 << 24 | UInt32(last)), port: port)
    }

    static func endpoint(_ last: UInt8) -> Endpoint { .tcp(host: "10.0.0.\(last)", port: 80) }

    static func target(_ ordinal: Int) -> Target {
        let identity = TargetIdentity(
            service: "s", pool: "p", text: "10.0.0.\(ordinal):80", address: address(UInt8(truncatingIfNeeded: ordinal)))
        return Target(identity: identity, ordinal: ordinal)
    }

    static func pool(weights: [Int], balance: PoolBalance = .turns) -> Pool {
        let members = weights.enumerated().map { PoolMember(target: target($0.offset), weight: $0.element) }
        return Pool(name: "p", members: members, cursor: PoolCursor(), balance: balance == .turns ? .roundRobin : .leastConnections)
    }

    enum PoolBalance { case turns, load }

    /// Addresses 10.0.0.1 … 10.0.0.255.
    static let resolved: [Endpoint: SocketAddress] = Dictionary(uniqueKeysWithValues: (1...255).map { (endpoint($0), address($0)) })

    static func service(_ name: String, pools: [(name: String, targets: [UInt8])], split: [(String, UInt32)]? = nil) -> ServiceConfiguration
    {
        let split = split ?? [(pools[0].name, 1_000_000)]
        return ServiceConfiguration(
            name: name,
            pools: pools.map { pool in
                PoolConfiguration(
                    name: pool.name,
                    targets: pool.targets.map { TargetConfiguration(endpoint: endpoint($0), text: "10.0.0.\($0):80") })
            },
            split: split.map { PoolShare(pool: $0.0, partsPerMillion: $0.1) })
    }

    static func route(_ action: RouteActionConfiguration, _ place: String, _ edit: (inout RouteConfiguration) -> Void = { _ in })
        -> RouteConfiguration
    {
        var route = RouteConfiguration(action: action, place: place)
        edit(&route)
        return route
    }
}

/// A request head made by hand: the parser is not under test here.
struct HandMadeRequest {
    private var bytes: [UInt8] = []
    private var head = RequestHead()
    private let fields = FieldTable(capacity: 16)

    init(_ method: String = "GET", _ path: String = "/", host: String = "", headers: [(String, String)] = []) {
        head.methodRange = append(method)
        head.path = append(path)
        head.pathAndQuery = head.path
        head.host = append(host)
        head.authority = head.host
        for (name, value) in headers {
            let nameRange = append(name)
            let valueRange = append(value)
            let field = Field(
                start: nameRange.start, nameLength: UInt16(nameRange.count), name: .other, valueStart: valueRange.start,
                valueEnd: valueRange.end,
                end: valueRange.end)
            _ = fields.append(field)
        }
    }

    func route(in snapshot: Snapshot) -> Route? { bytes.withUnsafeBytes { snapshot.route($0, head: head, fields: fields) } }

    private mutating func append(_ text: String) -> ByteRange {
        let start = UInt32(bytes.count)
        bytes += Array(text.utf8)
        return ByteRange(start: start, end: UInt32(bytes.count))
    }
}
