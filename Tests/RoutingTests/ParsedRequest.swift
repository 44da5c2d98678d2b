import HTTP
import Net
import Routing
import Testing

/// A request as the parser sees it.
struct ParsedRequest {
    let bytes: [UInt8]
    let head: RequestHead
    let fields = FieldTable(capacity: 32)

    init(_ target: String = "/", _ lines: String...) throws {
        bytes = Array("GET \(target) HTTP/1.1\r\nHost: a.test\r\n\(lines.map { $0 + "\r\n" }.joined())\r\n".utf8)
        var parser = RequestParser()
        let fields = fields
        let parsed = bytes.withUnsafeBytes { parser.parse($0, into: fields, limits: HeadLimits(bytes: 65_536, fields: 32)) }
        guard case .head(let head) = parsed else { throw Refused() }
        self.head = head
    }

    struct Refused: Error {}

    func client(of peer: SocketAddress, in snapshot: Snapshot) -> SocketAddress {
        bytes.withUnsafeBytes { snapshot.client(of: peer, $0, head: head, fields: fields) }
    }

    /// As an exchange chooses; the reason and the rule's place beside the pool's name.
    func choose(_ service: Service, client: SocketAddress = .unix(path: nil), issued: inout StickyKey?) -> Chosen {
        guard let steering = service.steering else { return Chosen(pool: service.choosePool()?.name, reason: .split, rule: "") }
        let choice = bytes.withUnsafeBytes {
            steering.choose(RequestView($0, head: head, fields: fields, client: client), issued: &issued)
        }
        let place = String(decoding: steering.place(ofRule: choice.rule), as: UTF8.self)
        return Chosen(pool: service.pool(for: choice)?.name, reason: choice.reason, rule: place)
    }

    func choose(_ service: Service, client: SocketAddress = .unix(path: nil)) -> Chosen {
        var issued: StickyKey?
        return choose(service, client: client, issued: &issued)
    }

    struct Chosen: Equatable {
        var pool: String?
        var reason: PoolReason
        var rule: String
    }
}
