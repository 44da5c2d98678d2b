import Testing

@testable import Net

@Suite("PROXY header: reading")
struct ProxyHeaderParserTests {
    private static let v4 = (source: address("192.0.2.1", 56324), destination: address("198.51.100.1", 443))
    private static let v6 = (source: address("2001:db8::7", 65535), destination: address("::1", 0))
    private static let longestV6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"

    private static let v6Body: [UInt8] =
        [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 0, count: 15) + [1, 0xFF, 0xFF, 0, 0]
    private static let unixBody: [UInt8] =
        Array("/run/client.sock".utf8) + [UInt8](repeating: 0, count: 92) + [UInt8](repeating: UInt8(ascii: "x"), count: 108)
    private static let unixPair = (
        source: SocketAddress.unix(path: "/run/client.sock"), destination: SocketAddress.unix(path: String(repeating: "x", count: 108))
    )

    typealias Pair = (source: SocketAddress, destination: SocketAddress)

    private static let lines: [(String, Pair?)] = [
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", v4),
        ("PROXY TCP6 2001:db8::7 ::1 65535 0\r\n", v6),
        ("PROXY TCP6 2001:0DB8:0:0::0007 0:0:0:0:0:0:0:1 65535 0\r\n", v6),
        ("PROXY TCP6 \(longestV6) \(longestV6) 65535 65535\r\n", (address(longestV6, 65535), address(longestV6, 65535))),
        ("PROXY UNKNOWN\r\n", nil),
        ("PROXY UNKNOWN what ever\t it says\0\r\n", nil),
        ("PROXY UNKNOWN \(longestV6) \(longestV6) 65535 65535\r\n", nil),
    ]

    private static let blocks: [(Block2, Pair?)] = [
        (Block2(), v4),
        (Block2(shape: 0x21, body: v6Body), v6),
        (Block2(shape: 0x31, body: unixBody), unixPair),
        (Block2(shape: 0x31, body: [UInt8](repeating: 0, count: 216)), (.unix(path: nil), .unix(path: nil))),
        // The balancer's own health check, with and without what it need not have said.
        (Block2(what: 0x20, shape: 0, body: []), nil),
        (Block2(what: 0x20), nil),
        (Block2(what: 0x20, shape: 0xFF, body: [1, 2, 3]), nil),
        // What is not ours to understand.
        (Block2(shape: 0, body: []), nil),
        (Block2(shape: 0, body: [9, 9, 9]), nil),
        (Block2(shape: 0x12), nil),
        (Block2(shape: 0x10), nil),
        (Block2(shape: 0x01), nil),
        (Block2(shape: 0x32, body: [1]), nil),
        // TLVs: authority, no-op, one that nobody knows, an empty one; as many as there may be.
        (Block2().with((2, Array("shop.example.com".utf8)), (4, [0, 0, 0]), (0xEA, [UInt8](repeating: 7, count: 300)), (5, [])), v4),
        (Block2().with((0xEE, [UInt8](repeating: 7, count: 4065))), v4),
    ]

    static let good: [([UInt8], ProxyHeader)] = {
        var all: [([UInt8], Pair?)] = lines.map { (Array($0.0.utf8), $0.1) }
        all += blocks.map { ($0.0.bytes, $0.1) }
        all.append((Block2().checked(), v4))
        all.append((Block2().with((2, [1, 2])).checked(), v4))
        return all.map { bytes, pair in
            (bytes, ProxyHeader(source: pair?.source, destination: pair?.destination, length: bytes.count))
        }
    }()

    @Test("every header is read, whatever stands behind it", arguments: good)
    func read(bytes: [UInt8], header: ProxyHeader) {
        #expect(parse(bytes) == .header(header))
        for next in ["GET / HTTP/1.1\r\n", "\u{16}\u{03}\u{01}", "PROXY UNKNOWN\r\n", "\r\n\r\n", "\n"] {
            #expect(parse(bytes + Array(next.utf8)) == .header(header))
        }
    }

    @Test("no beginning of a header is taken for one, or refused", arguments: good)
    func split(bytes: [UInt8], header: ProxyHeader) {
        for end in bytes.indices { #expect(parse(Array(bytes[..<end])) == .needMore, "\(end) of \(bytes.count) bytes") }
    }

    @Test(
        "another protocol is refused at its first byte that differs",
        arguments: [
            "GET / HTTP/1.1\r\n", "\u{16}\u{03}\u{01}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "POST", "proxy TCP4", "PROXY\t", "PROXYTCP4",
            " ",
            "\0", "\n", "\r\n\r\n\u{01}", "\r\n\r\n\0\r\nQUIT\r",
        ])
    func otherProtocol(text: String) {
        #expect(parse(text) == .refused(.otherProtocol))
        #expect(parse(text + String(repeating: "x", count: 200)) == .refused(.otherProtocol))
    }

    @Test(
        "a line that breaks the rules is refused",
        arguments: [
            "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY tcp4 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP44 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY UNKNOWNS\r\n", "PROXY unknown\r\n", "PROXY UNKNOW\r\n",
            // Spaces.
            "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1  2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 \r\n", "PROXY TCP4\t192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
            // Families.
            "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", "PROXY TCP6 ::1 192.0.2.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 ::1 1 2\r\n",
            // Addresses.
            "PROXY TCP4 192.0.2 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n", "PROXY TCP4 192.0.2.1.1 198.51.100.1 1 2\r\n",
            "PROXY TCP4 0x7f.0.0.1 198.51.100.1 1 2\r\n", "PROXY TCP4 localhost 198.51.100.1 1 2\r\n",
            "PROXY TCP6 [::1] ::1 1 2\r\n", "PROXY TCP6 ::1%lo ::1 1 2\r\n", "PROXY TCP6 1::2::3 ::1 1 2\r\n",
            "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n", "PROXY TCP6 12345::1 ::1 1 2\r\n", "PROXY TCP4 192.0.2.1\0 198.51.100.1 1 2\r\n",
            // Ports.
            "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 99999\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 100000\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 00 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 -1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", "PROXY TCP4 192.0.2.1 198.51.100.1 0x1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2x\r\n",
            // Line ends.
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\r\n", "PROXY UNKNOWN\n",
            "PROXY UNKNOWN\rX", "PROXY UNKNOWN \n\r\n", "PROXY \n",
        ])
    func malformedLine(text: String) { #expect(parse(text) == .refused(.malformedLine)) }

    @Test("a line has 107 bytes and no more")
    func longLine() {
        let opening = "PROXY UNKNOWN "
        func line(_ length: Int) -> String { opening + String(repeating: "x", count: length - opening.utf8.count - 2) + "\r\n" }
        #expect(parse(line(107)) == .header(ProxyHeader(length: 107)))
        #expect(parse(line(108)) == .refused(.tooLong))
        #expect(parse(String(line(109).prefix(106))) == .needMore)
        #expect(parse(String(line(109).prefix(107))) == .refused(.tooLong))
        #expect(parse(opening + String(repeating: "x", count: 10_000)) == .refused(.tooLong))
    }

    @Test(
        "a block that breaks the rules is refused",
        arguments: [
            Block2(what: 0x11), Block2(what: 0x31), Block2(what: 0x01), Block2(what: 0x22), Block2(what: 0x2F), Block2(what: 0xFF),
            Block2(shape: 0x13), Block2(shape: 0x1F), Block2(shape: 0x41), Block2(shape: 0xF1), Block2(shape: 0x03),
            Block2(length: 11), Block2(length: 0), Block2(shape: 0x21), Block2(shape: 0x21, length: 35), Block2(shape: 0x31, length: 215),
            // A TLV that ends beyond the header, or has no length.
            Block2(body: Block2().body + [2]), Block2(body: Block2().body + [2, 0]), Block2(body: Block2().body + [2, 0, 1]),
            Block2(body: Block2().body + [2, 0xFF, 0xFF, 1]), Block2().with((3, [])), Block2().with((3, [1, 2, 3])),
            Block2().with((3, [1, 2, 3, 4, 5])),
        ])
    func malformedBlock(block: Block2) { #expect(parse(block.bytes) == .refused(.malformedBlock)) }

    @Test("version and command are refused before the rest is here, and so is a header that is too long")
    func early() {
        #expect(parse(Block2.signature + [0x31]) == .refused(.malformedBlock))
        #expect(parse(Block2.signature + [0x21, 0x11, 0xFF, 0xFF]) == .refused(.tooLong))
        #expect(parse(Block2.signature + [0x20, 0x00, 0x0F, 0xF1]) == .refused(.tooLong), "of LOCAL, too")
        #expect(parse(Block2.signature + [0x20, 0x00, 0x0F, 0xF0]) == .needMore)
    }

    @Test("the checksum is Castagnoli's, and a wrong one is refused")
    func checksum() {
        #expect(Array("123456789".utf8).withUnsafeBytes { CRC32C.of($0, zeroed: 0..<0) } == 0xE306_9283)
        for bit in 0..<32 { #expect(parse(Block2().checked(error: 1 << UInt32(bit))) == .refused(.checksum)) }
    }
}
