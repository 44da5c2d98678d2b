import Testing

@testable import Net

@Suite("PROXY header: writing")
struct ProxyHeaderWriterTests {
    private static let client = address("192.0.2.1", 56324)
    private static let local = address("198.51.100.1", 443)
    private static let wideClient = address("2001:db8::7", 9)

    @Test("version 1 is the line of the rule's example")
    func line() {
        #expect(written(.v1, Self.client, Self.local) == Array("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n".utf8))
        #expect(
            written(.v1, Self.wideClient, address("::1", 65535)) == Array("PROXY TCP6 2001:db8::7 ::1 9 65535\r\n".utf8))
    }

    @Test("version 2 is the block of the rule")
    func block() {
        #expect(written(.v2, Self.client, Self.local) == Block2().bytes)
        #expect(written(.v2, Self.wideClient, Self.wideClient).count == 52)
    }

    @Test("what the writer says the parser reads", arguments: [ProxyHeader.Version.v1, .v2])
    func roundTrip(version: ProxyHeader.Version) {
        for (source, destination) in [(Self.client, Self.local), (Self.wideClient, address("::", 0))] {
            let bytes = written(version, source, destination)
            #expect(parse(bytes) == .header(ProxyHeader(source: source, destination: destination, length: bytes.count)))
        }
    }

    @Test("IPv4 in disguise is told as IPv4, and puts the disguise on beside IPv6", arguments: [ProxyHeader.Version.v1, .v2])
    func families(version: ProxyHeader.Version) {
        #expect(written(version, address("::ffff:192.0.2.1", 56324), Self.local) == written(version, Self.client, Self.local))
        let bytes = written(version, Self.client, address("2001:db8::1", 443))
        #expect(
            parse(bytes)
                == .header(
                    ProxyHeader(
                        source: address("::ffff:192.0.2.1", 56324), destination: address("2001:db8::1", 443), length: bytes.count)))
    }

    @Test("without two addresses the connection speaks for itself")
    func unknown() {
        let pairs: [(SocketAddress?, SocketAddress?)] = [
            (nil, nil), (Self.client, nil), (nil, Self.local), (.unix(path: nil), Self.local), (Self.client, .unix(path: "/run/web.sock")),
        ]
        for (source, destination) in pairs {
            #expect(written(.v1, source, destination) == Array("PROXY UNKNOWN\r\n".utf8))
            #expect(written(.v2, source, destination) == Block2(what: 0x20, shape: 0, body: []).bytes)
        }
    }

    @Test("the longest of all fits into the room")
    func longest() {
        let longest = address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535)
        #expect(written(.v1, longest, longest).count == 104)
    }
}
