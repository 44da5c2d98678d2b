import Config
import Net
import Routing
import Testing

@Suite("Trusted networks")
struct TrustedNetworksTests {
    private func trusts(_ blocks: [([UInt8], Int)], _ address: SocketAddress) throws -> Bool {
        var configuration = Configuration()
        configuration.trustedProxies = blocks.map { AddressBlock(bytes: $0.0, prefixLength: $0.1) }
        return try Snapshot.build(configuration: configuration, epoch: 1, resolved: [:], registry: TargetRegistry()).isTrusted(address)
    }

    private func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> SocketAddress {
        .v4(address: [a, b, c, d].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }, port: 9)
    }

    private func v6(_ bytes: [UInt8]) -> SocketAddress {
        bytes.withUnsafeBytes {
            .v6(high: $0.loadUnaligned(as: UInt64.self), low: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self), port: 9)
        }
    }

    private func padded(_ front: [UInt8], _ back: [UInt8] = []) -> [UInt8] {
        front + Array(repeating: 0, count: 16 - front.count - back.count) + back
    }

    @Test("nobody is trusted by default")
    func nobody() throws {
        #expect(try !trusts([], v4(127, 0, 0, 1)))
        #expect(try !trusts([], .unix(path: nil)))
        #expect(try !trusts([([0, 0, 0, 0], 0)], .unix(path: "/x")))
    }

    @Test("an IPv4 block holds exactly its addresses")
    func v4Blocks() throws {
        #expect(try trusts([([10, 1, 2, 3], 8)], v4(10, 200, 0, 1)))
        #expect(try !trusts([([10, 0, 0, 0], 8)], v4(11, 0, 0, 1)))
        #expect(try trusts([([192, 168, 4, 128], 25)], v4(192, 168, 4, 129)))
        #expect(try !trusts([([192, 168, 4, 128], 25)], v4(192, 168, 4, 127)))
        #expect(try trusts([([1, 2, 3, 4], 32)], v4(1, 2, 3, 4)))
        #expect(try !trusts([([1, 2, 3, 4], 32)], v4(1, 2, 3, 5)))
        #expect(try trusts([([0, 0, 0, 0], 0)], v4(255, 1, 1, 1)))
        #expect(try trusts([([1, 2, 3, 4], 32), ([9, 0, 0, 0], 8)], v4(9, 9, 9, 9)))
    }

    @Test("an IPv6 block holds exactly its addresses, across the middle too")
    func v6Blocks() throws {
        let network = padded([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0xAB])
        #expect(try trusts([(network, 32)], v6(padded([0x20, 0x01, 0x0D, 0xB8, 0xFF]))))
        #expect(try !trusts([(network, 32)], v6(padded([0x20, 0x01, 0x0D, 0xB9]))))
        #expect(try trusts([(network, 72)], v6(padded([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0xAB, 7]))))
        #expect(try !trusts([(network, 72)], v6(padded([0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0xAC]))))
        #expect(try trusts([(padded([], [1]), 128)], v6(padded([], [1]))))
        #expect(try !trusts([(padded([], [1]), 128)], v6(padded([], [2]))))
        #expect(try trusts([(padded([]), 0)], v6(padded([0xFE, 0x80]))))
        #expect(try !trusts([(padded([]), 0)], v4(1, 2, 3, 4)))
    }

    @Test("an IPv4 address that came over an IPv6 socket is an IPv4 address")
    func mapped() throws {
        let mapped = v6(padded([], [0xFF, 0xFF, 10, 0, 0, 7]))
        #expect(try trusts([([10, 0, 0, 0], 8)], mapped))
        #expect(try !trusts([([11, 0, 0, 0], 8)], mapped))
        #expect(try trusts([(padded([], [0xFF, 0xFF, 10, 0, 0, 0]), 104)], v4(10, 0, 0, 7)))
        #expect(try !trusts([(padded([]), 0)], mapped))
    }

    @Test("blocks of odd sizes neither trap nor match")
    func oddBlocks() throws {
        #expect(try !trusts([([], 0), ([1, 2, 3], 8)], v4(1, 2, 3, 4)))
        #expect(try trusts([([1, 2, 3, 4], 999)], v4(1, 2, 3, 4)))
        #expect(try trusts([([1, 2, 3, 4], -5)], v4(9, 2, 3, 4)))
    }
}
