import Net
import Testing

@testable import DataPlane

/// How often one client may begin.
@Suite struct ArrivalRatesTests {
    private static func v4(_ last: UInt32) -> SocketAddress { .v4(address: UInt32(bigEndian: 0x0A00_0000 | last), port: 1) }
    private static func v6(_ subnet: UInt64, _ host: UInt64) -> SocketAddress {
        .v6(high: UInt64(bigEndian: 0x2001_0DB8_0000_0000 | subnet), low: UInt64(bigEndian: host), port: 1)
    }
    private static func second(_ number: Int64, _ rest: Int64 = 0) -> Instant { Instant(nanoseconds: number * 1_000_000_000 + rest) }

    @Test("a client begins as often as it may, and again in the next second; who asks from another port is the same client")
    func oneClient() {
        let rates = ArrivalRates()
        func admitted(_ client: SocketAddress, _ now: Instant) -> Int {
            (0..<20).count { _ in rates.admits(client, of: "web", limit: 5, now: now) }
        }
        #expect(admitted(.v4(address: 7, port: 1), Self.second(9)) == 5)
        #expect(admitted(.v4(address: 7, port: 2), Self.second(9, 999_999_999)) == 0)
        #expect(admitted(.v4(address: 7, port: 3), Self.second(10)) == 5)
        #expect(admitted(.v4(address: 7, port: 3), Self.second(4000)) == 5)
    }

    @Test("listeners count for themselves")
    func listeners() {
        let rates = ArrivalRates()
        #expect(rates.admits(Self.v4(1), of: "one", limit: 1, now: Self.second(1)))
        #expect(rates.admits(Self.v4(1), of: "two", limit: 1, now: Self.second(1)))
        #expect(!rates.admits(Self.v4(1), of: "one", limit: 1, now: Self.second(1)))
    }

    @Test("all addresses of a /64 are one client; IPv4 over an IPv6 socket is many")
    func families() {
        let rates = ArrivalRates()
        #expect((0..<50).count { rates.admits(Self.v6(1, UInt64($0)), of: "web", limit: 3, now: Self.second(1)) } == 3)
        let mapped = (0..<50).count { host in
            rates.admits(
                .v6(high: 0, low: UInt64(bigEndian: 0xFFFF_0A00_0000 + UInt64(host)), port: 1), of: "web", limit: 1, now: Self.second(1))
        }
        #expect(mapped == 50)
        #expect((0..<50).count { _ in rates.admits(.unix(path: nil), of: "web", limit: 1, now: Self.second(1)) } == 50)
    }

    @Test("a loud client does not take the place of others")
    func others() {
        let rates = ArrivalRates()
        for _ in 0..<100_000 { _ = rates.admits(Self.v4(0), of: "web", limit: 10, now: Self.second(5)) }
        // Two hashes hit the two words of the loud one about once in sixteen million.
        #expect((1...2000).count { rates.admits(Self.v4($0), of: "web", limit: 10, now: Self.second(5)) } == 2000)
    }

    @Test("loops whose clocks stand on two sides of a second do not reset each other's counts")
    func skew() {
        let rates = ArrivalRates()
        var admitted = 0
        for turn in 0..<100 where rates.admits(Self.v4(3), of: "web", limit: 10, now: Self.second(turn % 2 == 0 ? 41 : 40)) {
            admitted += 1
        }
        #expect(admitted == 10)
    }
}
