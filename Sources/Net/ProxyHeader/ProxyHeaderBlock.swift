/// Version 2: a signature, four bytes that say what follows, addresses, TLVs (proxy-protocol.txt §2.2).
enum ProxyHeaderBlock {
    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    static let version: UInt8 = 2
    /// Up to the length, with it.
    static let fixedLength = 16
    /// A path with its zeros.
    static let pathLength = 108

    enum Command: UInt8 { case local, proxy }
    enum Family: UInt8 { case unspecified, v4, v6, unix }
    enum Transport: UInt8 { case unspecified, stream, datagram }

    private static let checksumType: UInt8 = 3

    /// nil = more bytes are needed.
    static func parse(_ bytes: UnsafeRawBufferPointer) throws(ProxyHeaderRefusal) -> ProxyHeader? {
        guard ProxyHeaderParser.agrees(bytes, signature) else { throw .otherProtocol }
        guard bytes.count > signature.count else { return nil }
        let what = bytes[signature.count]
        guard what >> 4 == version, let command = Command(rawValue: what & 15) else { throw .malformedBlock }
        guard bytes.count >= fixedLength else { return nil }
        let length = fixedLength + Int(number(bytes, at: 14))
        guard length <= ProxyHeaderParser.greatestLength else { throw .tooLong }
        // Of a LOCAL header nothing else is to be believed, nor to be found fault with.
        var addressLength = 0
        var hasAddresses = false
        if command == .proxy {
            (addressLength, hasAddresses) = try shape(bytes[13])
            guard length >= fixedLength + addressLength else { throw .malformedBlock }
        }
        guard bytes.count >= length else { return nil }
        var header = ProxyHeader(length: length)
        guard hasAddresses else { return header }
        let whole = UnsafeRawBufferPointer(rebasing: bytes[..<length])
        try check(whole, from: fixedLength + addressLength)
        (header.source, header.destination) = addresses(whole, addressLength)
        return header
    }

    // MARK: - Private

    /// How many bytes the addresses take, and whether they are for us. What exists and is not ours (datagrams, unspecified) counts as a
    /// connection that speaks for itself: the rule leaves that open, and its bytes are passed over.
    private static func shape(_ byte: UInt8) throws(ProxyHeaderRefusal) -> (length: Int, isOurs: Bool) {
        guard let family = Family(rawValue: byte >> 4), let transport = Transport(rawValue: byte & 15) else { throw .malformedBlock }
        guard transport == .stream else { return (0, false) }
        switch family {
        case .unspecified: return (0, false)
        case .v4: return (12, true)
        case .v6: return (36, true)
        case .unix: return (2 * pathLength, true)
        }
    }

    private static func addresses(_ bytes: UnsafeRawBufferPointer, _ length: Int) -> (SocketAddress, SocketAddress) {
        let at = fixedLength
        switch length {
        case 12:
            return (
                .v4(address: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self), port: number(bytes, at: at + 8)),
                .v4(address: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self), port: number(bytes, at: at + 10))
            )
        case 36: return (v6(bytes, at: at, port: at + 32), v6(bytes, at: at + 16, port: at + 34))
        default: return (path(bytes, at: at), path(bytes, at: at + pathLength))
        }
    }

    private static func v6(_ bytes: UnsafeRawBufferPointer, at: Int, port: Int) -> SocketAddress {
        .v6(
            high: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self),
            low: bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self), port: number(bytes, at: port))
    }

    private static func path(_ bytes: UnsafeRawBufferPointer, at: Int) -> SocketAddress {
        let path = bytes[at..<at + pathLength].prefix { $0 != 0 }
        return .unix(path: path.isEmpty ? nil : String(decoding: path, as: UTF8.self))
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }

    /// Walks over the TLVs: each must end within the header, and a checksum (§2.2.3) must be right. The others are not read.
    private static func check(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(ProxyHeaderRefusal) {
        var at = start
        while at < bytes.count {
            guard at + 3 <= bytes.count else { throw .malformedBlock }
            let value = at + 3
            let end = value + Int(number(bytes, at: at + 1))
            guard end <= bytes.count else { throw .malformedBlock }
            if bytes[at] == checksumType {
                guard end - value == 4 else { throw .malformedBlock }
                let told = UInt32(number(bytes, at: value)) << 16 | UInt32(number(bytes, at: value + 2))
                guard told == CRC32C.of(bytes, zeroed: value..<end) else { throw .checksum }
            }
            at = end
        }
    }
}
