import Glibc
import Testing

@testable import Config

@Suite struct QuantityTests {
    @Test("durations have a whole number and a unit")
    func durations() throws {
        #expect(try Quantities.duration("250ms") == .milliseconds(250))
        #expect(try Quantities.duration("5s") == .seconds(5))
        #expect(try Quantities.duration("2m") == .seconds(120))
        #expect(try Quantities.duration("1h") == .seconds(3600))
        #expect(try Quantities.duration("0") == .zero)
        #expect(try Quantities.duration("0s") == .zero)
        #expect(try Quantities.duration("8759h") == .seconds(8759 * 3600))
    }

    @Test(
        "everything else is no duration",
        arguments: ["", "s", "5", "5 s", "-5s", "+5s", "1.5s", "1h30m", "5S", "5us", "٣s", "0x5s", "5sec"])
    func badDurations(text: String) {
        #expect(throws: ScalarError.self) { try Quantities.duration(text) }
    }

    @Test(
        "a year and more is refused, however many digits",
        arguments: ["8760h", "31536000s", "18446744073709551615h", "99999999999999999999s"])
    func longDurations(text: String) {
        #expect(throws: ScalarError.self) { try Quantities.duration(text) }
    }

    @Test("sizes know both kinds of units")
    func sizes() throws {
        #expect(try Quantities.size("0") == 0)
        #expect(try Quantities.size("65536") == 65536)
        #expect(try Quantities.size("64KiB") == 65536)
        #expect(try Quantities.size("10MB") == 10_000_000)
        #expect(try Quantities.size("1GiB") == 1 << 30)
        #expect(try Quantities.size("7B") == 7)
    }

    @Test("an unclear size gets the likely spelling")
    func badSizes() {
        #expect(throws: ScalarError("`64k` is not a size", hint: "write 64KiB, or a number of bytes")) { try Quantities.size("64k") }
        #expect(throws: ScalarError("`10mb` is not a size", hint: "write 10MB, or a number of bytes")) { try Quantities.size("10mb") }
        for text in ["", "KiB", "-1", "1.5MiB", "64 KiB", "9223372036854775808", "9999999999GiB", "1E3"] {
            #expect(throws: ScalarError.self) { try Quantities.size(text) }
        }
    }
}

@Suite struct SharesTests {
    @Test("weights are exact decimals")
    func weights() throws {
        #expect(try Weight.parse("95") == Weight(millionths: 95_000_000, isPercentage: false))
        #expect(try Weight.parse("0.5") == Weight(millionths: 500_000, isPercentage: false))
        #expect(try Weight.parse("99.9%") == Weight(millionths: 99_900_000, isPercentage: true))
        #expect(try Weight.parse("0") == Weight(millionths: 0, isPercentage: false))
        for text in ["", "%", ".5", "5.", "-1", "1e3", "nan", "inf", "1,5", "1234567890", "0.1234567", "1.2.3", "5 %", "99,9%"] {
            #expect(throws: ScalarError.self, "\(text)") { try Weight.parse(text) }
        }
    }

    @Test("shares are in proportion and sum to a million")
    func shares() {
        #expect(Shares.partsPerMillion([95, 5]) == [950_000, 50_000])
        #expect(Shares.partsPerMillion([1, 1, 1]) == [333_334, 333_333, 333_333])
        #expect(Shares.partsPerMillion([2, 1]) == [666_667, 333_333])
        #expect(Shares.partsPerMillion([100, 0]) == [1_000_000, 0])
        #expect(Shares.partsPerMillion([0, 0]) == nil)
        #expect(Shares.partsPerMillion([]) == nil)
        #expect(Shares.partsPerMillion([.max, .max]) == nil)
        #expect(Shares.partsPerMillion([.max, 0]) == [1_000_000, 0])
        #expect(Shares.partsPerMillion([UInt64](repeating: 1, count: 1001)) == nil)
    }

    @Test("the least weight still gets one part")
    func atLeastOne() {
        #expect(Shares.partsPerMillion([999_999_999_000_000, 1, 1]) == [999_998, 1, 1])
    }

    @Test("for any weights the parts sum to a million and are off by less than one, or at their least")
    func property() throws {
        let seed: UInt64 = 0x51
        var random = Seeded(seed)
        for _ in 0..<2000 {
            let weights = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                UInt64.random(in: 0...(1 << UInt64.random(in: 0...49, using: &random)), using: &random)
            }
            guard weights.contains(where: { $0 > 0 }) else { continue }
            let parts = try #require(Shares.partsPerMillion(weights), "seed \(seed): \(weights)")
            #expect(parts.reduce(0, +) == 1_000_000, "seed \(seed): \(weights)")
            let total = Double(weights.reduce(0, +))
            for (weight, part) in zip(weights, parts) {
                let exact = Double(weight) / total * 1_000_000
                #expect((weight > 0) == (part > 0), "seed \(seed): \(weights)")
                #expect(abs(exact - Double(part)) < 1.001 || parts.contains(1), "seed \(seed): \(weights)")
            }
        }
    }
}

@Suite struct AddressTests {
    private static func byKernelLibrary(_ text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if text.contains(":") { return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil }
        return inet_pton(AF_INET, text, &bytes) == 1 ? Array(bytes[..<4]) : nil
    }

    private static func spelledByLibrary(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(bytes.count == 16 ? AF_INET6 : AF_INET, bytes, &text, 64) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test(
        "addresses are read as the C library reads them",
        arguments: [
            "1.2.3.4", "255.255.255.255", "0.0.0.0", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "1..3.4", "", ".",
            "a.b.c.d",
            "::", "::1", "1::", "fe80::1", "2001:db8::8:800:200c:417a", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":", ":::",
            "1:::2",
            "1::2::3", "::ffff:1.2.3.4", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "12345::", "g::", ":1", "1:", "::1:", "1:2:3:4:5:6:1.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4", "ABCD:EF01::", "::+1", "::-1", "fe80::1%eth0", "1:2:3:4::5:6:7:8",
        ])
    func agreement(text: String) {
        #expect(IPAddress(text)?.bytes == Self.byKernelLibrary(text))
    }

    @Test("random texts near addresses are read as the C library reads them")
    func randomAgreement() {
        let seed: UInt64 = 0xadd
        var random = Seeded(seed)
        let alphabet = Array("0123456789abf:::..")
        for _ in 0..<20_000 {
            let text = String((0..<Int.random(in: 1...18, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "0" })
            #expect(IPAddress(text)?.bytes == Self.byKernelLibrary(text), "seed \(seed): \(text)")
        }
    }

    @Test("each address has one spelling, the C library's")
    func spelling() {
        let seed: UInt64 = 0x5952
        var random = Seeded(seed)
        for _ in 0..<2000 {
            let bytes = (0..<8).flatMap { _ -> [UInt8] in
                Bool.random(using: &random)
                    ? [0, 0] : [UInt8.random(in: 0...255, using: &random), UInt8.random(in: 0...255, using: &random)]
            }
            // The library writes the tail of low addresses as a dotted quad; RFC 5952 leaves that open.
            guard bytes[..<10].contains(where: { $0 != 0 }) else { continue }
            let text = Self.spelledByLibrary(bytes)
            #expect(IPAddress(text)?.canonicalText == text, "seed \(seed)")
        }
        #expect(IPAddress("0:0:0:0:0:0:0:1")?.canonicalText == "::1")
        #expect(IPAddress("0:0::0")?.canonicalText == "::")
        #expect(IPAddress("10.1.2.3")?.canonicalText == "10.1.2.3")
    }

    @Test("blocks are networks")
    func blocks() throws {
        #expect(try AddressBlock.parse("10.0.0.0/8") == AddressBlock(bytes: [10, 0, 0, 0], prefixLength: 8))
        #expect(try AddressBlock.parse("192.0.2.7") == AddressBlock(bytes: [192, 0, 2, 7], prefixLength: 32))
        #expect(try AddressBlock.parse("::/0").prefixLength == 0)
        #expect(try AddressBlock.parse("fd00::/9").bytes.first == 0xfd)
        #expect(throws: ScalarError("`10.1.0.0/12` has bits set behind its prefix", hint: "write 10.0.0.0/12")) {
            try AddressBlock.parse("10.1.0.0/12")
        }
        for text in [
            "", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8", "10.0.0.0/99999999999999999999", "[::1]",
        ] {
            #expect(throws: ScalarError.self, "\(text)") { try AddressBlock.parse(text) }
        }
    }

    @Test("endpoints come back in one spelling")
    func endpoints() throws {
        #expect(try Endpoint.parse("10.0.0.1:80", role: .target) == .tcp(host: "10.0.0.1", port: 80))
        #expect(try Endpoint.parse("[0:0::1]:80", role: .bind) == .tcp(host: "::1", port: 80))
        #expect(try Endpoint.parse("Shop_1.Local:8080", role: .target) == .tcp(host: "shop_1.local", port: 8080))
        #expect(try Endpoint.parse("127.0.0.1:0", role: .bind) == .tcp(host: "127.0.0.1", port: 0))
        #expect(try Endpoint.parse("unix:/a/b", role: .target) == .unix(path: "/a/b"))
        #expect(try Endpoint.parse("unix:/" + String(repeating: "a", count: 106), role: .bind) != .unix(path: "/"))
    }

    @Test(
        "a target that cannot be one says what to write",
        arguments: [
            ("10.0.0.1", "`10.0.0.1` has no port", "write 10.0.0.1:80"),
            ("", "`` has no port", "write host:80"),
            ("http://shop:80/x", "`http://shop:80/x` is a URL", "write host:port, here shop:80"),
            ("::1:80", "`::1:80` is ambiguous", "put an IPv6 address in brackets: [::1]:80"),
            ("[::1]", "`[::1]` has no port", "write [::1]:80"),
            ("[::1:80", "`[::1:80` lacks its `]`", nil),
            ("[fe80::1%eth0]:80", "`fe80::1%eth0` is not an IPv6 address", "zones are not supported"),
            ("[1.2.3.4]:80", "`1.2.3.4` is not an IPv6 address", nil),
            ("10.0.0.1:0", "`10.0.0.1:0` needs a port from 1 to 65535", nil),
            ("10.0.0.1:65536", "`10.0.0.1:65536` needs a port from 1 to 65535", nil),
            ("10.0.0.1:+80", "`10.0.0.1:+80` needs a port from 1 to 65535", nil),
            ("10.0.0.300:80", "`10.0.0.300` is not an IPv4 address", nil),
            ("sho p:80", "`sho p` is not a host name", nil),
            ("-a:80", "`-a` is not a host name", nil),
            ("a..b:80", "`a..b` is not a host name", nil),
            ("shop.:80", "`shop.` ends with a dot", "write shop"),
            ("bücher.de:80", "`bücher.de` is not an ASCII name", "write it in punycode (xn--…)"),
            ("unix:rel", "`rel` is not an absolute path", "write unix:/path"),
        ] as [(String, String, String?)])
    func badTargets(text: String, message: String, hint: String?) {
        #expect(throws: ScalarError(message, hint: hint)) { try Endpoint.parse(text, role: .target) }
    }

    @Test("a listener binds to addresses only")
    func badBinds() {
        let all = "for all addresses write 0.0.0.0 and [::], each with the port"
        #expect(throws: ScalarError("`:80` names no address", hint: all)) { try Endpoint.parse(":80", role: .bind) }
        #expect(throws: ScalarError("`*:80` names no address", hint: all)) { try Endpoint.parse("*:80", role: .bind) }
        #expect(throws: ScalarError.self) { try Endpoint.parse("localhost:80", role: .bind) }
        #expect(throws: ScalarError("the socket path is longer than 107 bytes", hint: "the kernel takes no more")) {
            try Endpoint.parse("unix:/" + String(repeating: "a", count: 107), role: .bind)
        }
    }
}
