import Glibc
import Net
import TLS
import TestSupport
import Testing

/// Seconds since 1970.
var now: Int64 { Int64(time(nil)) }

/// Two non-blocking sockets, connected to each other.
final class SocketPair {
    private(set) var client: Int32
    let server: Int32

    init(sendBuffer: Int32? = nil) throws {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw WireError.system("socketpair", code: errno)
        }
        if let sendBuffer { for socket in pair { Socket.setOption(socket, SOL_SOCKET, SO_SNDBUF, sendBuffer) } }
        client = pair[0]
        server = pair[1]
    }

    deinit {
        closeClient()
        close(server)
    }

    func closeClient() {
        if client >= 0 { close(client) }
        client = -1
    }
}

/// Both sides of a connection in one thread and over one bridge, as if a loop were its own client.
final class Duo {
    let client: TLSSession
    let server: TLSSession
    let sockets: SocketPair

    init(
        _ store: CertificateStore, _ context: TLSClientContext, bridge: TLSBridge, host: PeerName? = .host("shop.test"),
        ticket: TLSSessionTicket? = nil, sendBuffer: Int32? = nil
    ) throws {
        sockets = try SocketPair(sendBuffer: sendBuffer)
        server = try TLSSession(accepting: sockets.server, store: store, bridge: bridge)
        client = try TLSSession(connecting: sockets.client, to: host, client: context, bridge: bridge, ticket: ticket)
    }

    static func bridge(_ keys: TicketKeys = TicketKeys(now: 0)) -> TLSBridge { TLSBridge(pool: BufferPool(), ticketKeys: keys) }

    /// Turn by turn until both are through, or one has failed and the other has heard of it.
    func shake() -> (client: TLSHandshake, server: TLSHandshake) {
        var client = TLSHandshake.wantRead
        var server = TLSHandshake.wantRead
        for _ in 0..<20 {
            if client.isUnderWay { client = self.client.handshake() }
            if server.isUnderWay { server = self.server.handshake() }
            if !client.isUnderWay && !server.isUnderWay { break }
        }
        return (client, server)
    }

    /// A handshake that must work, and what the server says first, so that its tickets have arrived.
    func connect() throws {
        let result = shake()
        try #require(result.client == .complete && result.server == .complete, "\(result)")
        try #require(say("hello", from: server, to: client) == "hello")
    }

    func say(_ text: String, from: TLSSession, to: TLSSession) -> String {
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBytes { from.write($0) } == .moved(bytes.count))
        return String(decoding: to.readSome().bytes, as: UTF8.self)
    }
}

extension TLSHandshake {
    var isUnderWay: Bool { self == .wantRead || self == .wantWrite }
    var failure: TLSFailure? {
        guard case .failed(let failure) = self else { return nil }
        return failure
    }
}

extension TLSSession {
    func readSome(room: Int = 64 * 1024) -> (outcome: TLSTransfer, bytes: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: room)
        let outcome = bytes.withUnsafeMutableBytes { read(into: $0) }
        guard case .moved(let count) = outcome else { return (outcome, []) }
        return (outcome, Array(bytes.prefix(count)))
    }

    func write(text: String) -> TLSTransfer { Array(text.utf8).withUnsafeBytes { write($0) } }
}
