import Config
import Net
import Routing
import Testing

@Suite("Client address")
struct ClientAddressTests {
    /// Trusts 10.0.0.0/8 and fd00::/8.
    private func snapshot() throws -> Snapshot {
        var configuration = Configuration()
        configuration.trustedProxies = [
            AddressBlock(bytes: [10, 0, 0, 0], prefixLength: 8),
            AddressBlock(bytes: [0xfd] + [UInt8](repeating: 0, count: 15), prefixLength: 8),
        ]
        return try Snapshot.build(configuration: configuration, epoch: 1, resolved: [:], registry: TargetRegistry())
    }

    private let proxy = SocketAddress(literal: "10.0.0.1", port: 4000)
    private let stranger = SocketAddress(literal: "192.0.2.1", port: 4000)

    @Test(
        "behind a trusted proxy the client is the last hop that is not trusted",
        arguments: [
            (["X-Forwarded-For: 198.51.100.7"], "198.51.100.7"), (["X-Forwarded-For: 203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            (["X-Forwarded-For: 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
            (["X-Forwarded-For: 203.0.113.9,198.51.100.7 ,\t10.2.2.2,"], "198.51.100.7"),
            (["X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 10.2.2.2"], "198.51.100.7"),
            (["X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.7"], "198.51.100.7"),
            (["X-Forwarded-For: 10.9.9.9, 10.2.2.2"], "10.9.9.9"), (["X-Forwarded-For: garbage, 198.51.100.7"], "198.51.100.7"),
            (["X-Forwarded-For: 198.51.100.7:5555"], "198.51.100.7"), (["X-Forwarded-For: 2001:db8::7"], "2001:db8::7"),
            (["X-Forwarded-For: [2001:db8::7]:443, fd00::1"], "2001:db8::7"), (["X-Forwarded-For: [2001:db8::7]"], "2001:db8::7"),
            (["X-Forwarded-For: unknown"], "unix:"), (["X-Forwarded-For: 300.1.1.1"], "unix:"), (["X-Forwarded-For: [::1"], "unix:"),
            (["X-Forwarded-For: "], "10.0.0.1"), ([], "10.0.0.1"), (["Forwarded: for=198.51.100.7;proto=http"], "198.51.100.7"),
            (["Forwarded: proto=http; For=\"[2001:db8::7]:99\", for=10.1.1.1"], "2001:db8::7"), (["Forwarded: for=_hidden"], "unix:"),
            (["Forwarded: by=198.51.100.7"], "unix:"), (["Forwarded: for=203.0.113.9", "X-Forwarded-For: 198.51.100.7"], "198.51.100.7"),
        ] as [([String], String)])
    func behindProxy(lines: [String], client: String) throws {
        let request = try ParsedRequest("/", (lines + ["Accept: */*"]).joined(separator: "\r\n"))
        #expect(request.client(of: try #require(proxy), in: try snapshot()).host == client)
    }

    @Test("what a stranger says of hops before him is not believed")
    func notBelieved() throws {
        let request = try ParsedRequest("/", "X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7")
        #expect(request.client(of: try #require(stranger), in: try snapshot()) == stranger)
        #expect(request.client(of: .unix(path: nil), in: try snapshot()) == .unix(path: nil))
    }
}
