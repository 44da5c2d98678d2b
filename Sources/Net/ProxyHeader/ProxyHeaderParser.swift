/// Reads a PROXY header, version 1 or 2, off the first bytes of a connection. Keeps nothing between calls: with more bytes it is asked again
/// from the first. Never takes a header for complete before its last byte is here, and refuses at the first byte that cannot be of one.
package enum ProxyHeaderParser {
    package enum Progress: Equatable, Sendable {
        case needMore
        case header(ProxyHeader)
        case refused(ProxyHeaderRefusal)
    }

    /// Of a header of version 2 with all its TLVs; the rule would allow 64 KiB. A balancer that passes names of certificates on needs some
    /// hundred bytes.
    package static let greatestLength = 4096

    /// - Parameter bytes: all that the connection has brought so far; what stands behind the header is not looked at.
    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard let first = bytes.first else { return .needMore }
        do throws(ProxyHeaderRefusal) {
            let header: ProxyHeader? =
                switch first {
                case UInt8(ascii: "P"): try ProxyHeaderLine.parse(bytes)
                case ProxyHeaderBlock.signature[0]: try ProxyHeaderBlock.parse(bytes)
                default: throw .otherProtocol
                }
            guard let header else { return .needMore }
            return .header(header)
        } catch {
            return .refused(error)
        }
    }

    /// Whether `bytes` and `expected` are the same as far as both go.
    static func agrees(_ bytes: UnsafeRawBufferPointer, _ expected: [UInt8]) -> Bool {
        bytes.prefix(expected.count).elementsEqual(expected.prefix(bytes.count))
    }
}
