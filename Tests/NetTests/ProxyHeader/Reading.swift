@testable import Net

func parse(_ bytes: [UInt8]) -> ProxyHeaderParser.Progress { bytes.withUnsafeBytes { ProxyHeaderParser.parse($0) } }
func parse(_ text: String) -> ProxyHeaderParser.Progress { parse(Array(text.utf8)) }

func written(_ version: ProxyHeader.Version, _ source: SocketAddress?, _ destination: SocketAddress?) -> [UInt8] {
    var room = [UInt8](repeating: 0xEE, count: ProxyHeaderWriter.greatestLength)
    let count = room.withUnsafeMutableBytes {
        ProxyHeaderWriter.write(version, source: source, destination: destination, into: $0)
    }
    return Array(room[..<count])
}

func address(_ host: String, _ port: UInt16) -> SocketAddress {
    guard let address = SocketAddress(literal: host, port: port) else { preconditionFailure("\(host) is no address") }
    return address
}

/// A block of version 2, as wrong as a test wants it.
struct Block2 {
    var what: UInt8 = 0x21
    var shape: UInt8 = 0x11
    var body: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 1, 0xDC, 0x04, 0x01, 0xBB]
    /// nil = that of `body`.
    var length: Int?

    static let signature: [UInt8] = Array("\r\n\r\n\0\r\nQUIT\n".utf8)

    var bytes: [UInt8] {
        let length = length ?? body.count
        return Self.signature + [what, shape, UInt8(length >> 8), UInt8(length & 255)] + body
    }

    /// The same with TLVs behind the addresses.
    func with(_ tlvs: (type: UInt8, value: [UInt8])...) -> Block2 {
        var copy = self
        for tlv in tlvs { copy.body += [tlv.type, UInt8(tlv.value.count >> 8), UInt8(tlv.value.count & 255)] + tlv.value }
        return copy
    }

    /// The same with a checksum TLV at the end, right or wrong by `error`.
    func checked(error: UInt32 = 0) -> [UInt8] {
        var bytes = with((3, [0, 0, 0, 0])).bytes
        let field = bytes.count - 4..<bytes.count
        let sum = bytes.withUnsafeBytes { CRC32C.of($0, zeroed: field) } ^ error
        for (index, place) in field.enumerated() { bytes[place] = UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32(index))) }
        return bytes
    }
}
