/// Writes PROXY headers, for the first bytes of a connection that we make on a client's behalf.
package enum ProxyHeaderWriter {
    /// Room that is enough for every header.
    package static let greatestLength = ProxyHeaderLine.greatestLength

    /// Both addresses are told in one family: IPv6 that is only IPv4 in disguise (RFC 4291 §2.5.5.2) as IPv4, and where one alone is IPv4, it
    /// puts the disguise on. Where there is none that both could have, because one is a Unix socket's or is not known, the header says that
    /// the connection speaks for itself: `UNKNOWN`, `LOCAL`.
    /// - Parameters:
    ///   - buffer: at least `greatestLength` bytes.
    /// - Returns: how many bytes were written.
    package static func write(
        _ version: ProxyHeader.Version, source: SocketAddress?, destination: SocketAddress?, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        precondition(buffer.count >= greatestLength)
        var out = Output(buffer: buffer)
        let pair = Pair(source, destination)
        switch version {
        case .v1: writeLine(pair, to: &out)
        case .v2: writeBlock(pair, to: &out)
        }
        return out.count
    }

    // MARK: - Private

    private enum Pair {
        case v4((UInt32, UInt16), (UInt32, UInt16))
        case v6((UInt64, UInt64, UInt16), (UInt64, UInt64, UInt16))
        case none

        init(_ source: SocketAddress?, _ destination: SocketAddress?) {
            guard let source, let destination else {
                self = .none
                return
            }
            if let source = source.plainV4, let destination = destination.plainV4 {
                self = .v4(source, destination)
            } else if let source = source.wideV6, let destination = destination.wideV6 {
                self = .v6(source, destination)
            } else {
                self = .none
            }
        }
    }

    private struct Output {
        let buffer: UnsafeMutableRawBufferPointer
        var count = 0

        mutating func put(_ bytes: some Sequence<UInt8>) {
            for byte in bytes { put(byte) }
        }

        mutating func put(_ byte: UInt8) {
            buffer[count] = byte
            count += 1
        }

        /// Most significant byte first.
        mutating func put(_ number: UInt16) {
            put(UInt8(truncatingIfNeeded: number >> 8))
            put(UInt8(truncatingIfNeeded: number))
        }

        /// As it stands in memory.
        mutating func put<Word: BitwiseCopyable>(asIs word: Word) {
            buffer.storeBytes(of: word, toByteOffset: count, as: Word.self)
            count += MemoryLayout<Word>.size
        }

        mutating func put(host address: SocketAddress) {
            count += address.writeHost(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            put(UInt8(ascii: " "))
        }

        mutating func put(decimal number: UInt16) {
            if number >= 10 { put(decimal: number / 10) }
            put(UInt8(ascii: "0") + UInt8(number % 10))
        }
    }

    private static func writeLine(_ pair: Pair, to out: inout Output) {
        switch pair {
        case .none: out.put("PROXY UNKNOWN\r\n".utf8)
        case .v4(let source, let destination):
            out.put("PROXY TCP4 ".utf8)
            writeAddresses(.v4(address: source.0, port: source.1), .v4(address: destination.0, port: destination.1), to: &out)
        case .v6(let source, let destination):
            out.put("PROXY TCP6 ".utf8)
            writeAddresses(
                .v6(high: source.0, low: source.1, port: source.2),
                .v6(high: destination.0, low: destination.1, port: destination.2), to: &out)
        }
    }

    private static func writeAddresses(_ source: SocketAddress, _ destination: SocketAddress, to out: inout Output) {
        out.put(host: source)
        out.put(host: destination)
        out.put(decimal: source.port ?? 0)
        out.put(UInt8(ascii: " "))
        out.put(decimal: destination.port ?? 0)
        out.put("\r\n".utf8)
    }

    private static func writeBlock(_ pair: Pair, to out: inout Output) {
        out.put(ProxyHeaderBlock.signature)
        switch pair {
        case .none: begin(.local, .unspecified, .unspecified, length: 0, to: &out)
        case .v4(let source, let destination):
            begin(.proxy, .v4, .stream, length: 12, to: &out)
            out.put(asIs: source.0)
            out.put(asIs: destination.0)
            out.put(source.1)
            out.put(destination.1)
        case .v6(let source, let destination):
            begin(.proxy, .v6, .stream, length: 36, to: &out)
            for word in [source.0, source.1, destination.0, destination.1] { out.put(asIs: word) }
            out.put(source.2)
            out.put(destination.2)
        }
    }

    private static func begin(
        _ command: ProxyHeaderBlock.Command, _ family: ProxyHeaderBlock.Family, _ transport: ProxyHeaderBlock.Transport, length: UInt16,
        to out: inout Output
    ) {
        out.put(ProxyHeaderBlock.version << 4 | command.rawValue)
        out.put(family.rawValue << 4 | transport.rawValue)
        out.put(length)
    }
}

extension SocketAddress {
    /// As IPv4: what it is, or what it is in disguise.
    fileprivate var plainV4: (UInt32, UInt16)? {
        switch self {
        case .v4(let address, let port): return (address, port)
        case .v6(let high, let low, let port):
            let host = UInt64(bigEndian: low)
            guard high == 0, host >> 32 == 0xFFFF else { return nil }
            return (UInt32(truncatingIfNeeded: host).bigEndian, port)
        case .unix: return nil
        }
    }

    /// As IPv6, with the disguise where it must be.
    fileprivate var wideV6: (UInt64, UInt64, UInt16)? {
        switch self {
        case .v4(let address, let port): return (0, (0xFFFF << 32 | UInt64(UInt32(bigEndian: address))).bigEndian, port)
        case .v6(let high, let low, let port): return (high, low, port)
        case .unix: return nil
        }
    }
}
