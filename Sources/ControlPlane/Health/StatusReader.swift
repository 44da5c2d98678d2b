/// The head of an HTTP/1 answer as a check needs it: its status, and whether the head is whole. Keeps no bytes. Pure.
///
/// Strict like the data plane about line ends: a target that it lets pass must not then get 502 for what it sends.
struct StatusReader {
    enum Progress: Equatable {
        case needMore
        case status(Int)
        /// Nothing that comes later can make a status of it.
        case refused(String)
    }

    /// A head that is longer would be refused by the data plane too.
    static let limit = 64 * 1024

    /// "HTTP/1." DIGIT SP 3DIGIT, then SP or CR: what the status line begins with.
    private static let prefix = Array("HTTP/1.".utf8)

    /// Bytes seen, all heads together.
    private var count = 0
    /// Place in the status line of the present head.
    private var column = 0
    private var status = 0
    /// How much of CR LF CR LF the last bytes were.
    private var matched = 0

    var hasBegun: Bool { count > 0 }

    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Progress {
        for byte in bytes {
            count += 1
            guard count <= Self.limit else { return .refused("head over \(Self.limit / 1024) KiB") }
            guard column > 12 || takeStatusLine(byte) else { return .refused("no HTTP/1 answer") }
            switch (matched, byte) {
            case (0, 0x0D), (2, 0x0D): matched += 1
            case (1, 0x0A): matched = 2
            case (3, 0x0A):
                // An interim answer (100, 103); the real one follows. After 101 there is none.
                guard status < 200 && status != 101 else { return .status(status) }
                (column, status, matched) = (0, 0, 0)
            case (_, 0x0D): matched = 1
            default: matched = 0
            }
        }
        return .needMore
    }

    // MARK: - Private

    private mutating func takeStatusLine(_ byte: UInt8) -> Bool {
        defer { column += 1 }
        let isDigit = byte &- 0x30 < 10
        switch column {
        case 0..<7: return byte == Self.prefix[column]
        case 7: return isDigit
        case 8: return byte == 0x20
        case 9: return byte >= 0x31 && byte <= 0x35 && setDigit(byte)
        case 10, 11: return isDigit && setDigit(byte)
        default: return byte == 0x20 || byte == 0x0D
        }
    }

    private mutating func setDigit(_ byte: UInt8) -> Bool {
        status = status * 10 + Int(byte - 0x30)
        return true
    }
}
