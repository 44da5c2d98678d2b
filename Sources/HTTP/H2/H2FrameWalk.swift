/// The nine bytes before each frame (RFC 9113 §4.1).
package struct H2FrameHeader: Equatable, Sendable {
    package var length: UInt32
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    /// Of PRIORITY: the stream that it names; 0 for any other frame.
    package var dependsOn: UInt32 = 0

    package init(length: UInt32, type: UInt8, flags: UInt8, stream: UInt32) {
        self.length = length
        self.type = type
        self.flags = flags
        self.stream = stream
    }

    func has(_ flag: UInt8) -> Bool { flags & flag != 0 }

    static let data: UInt8 = 0x0
    static let headers: UInt8 = 0x1
    static let priority: UInt8 = 0x2
    static let resetStream: UInt8 = 0x3
    static let settings: UInt8 = 0x4
    static let ping: UInt8 = 0x6
    static let goAway: UInt8 = 0x7
    static let windowUpdate: UInt8 = 0x8
    static let continuation: UInt8 = 0x9

    static let endStream: UInt8 = 0x1
    static let acknowledge: UInt8 = 0x1
}

/// Finds the frame headers in a stream of bytes that comes in any pieces, so that every frame is counted before the library works on it:
/// its callbacks are silent about frames that it ignores.
package struct H2FrameWalk: Sendable {
    /// Bytes of preface or payload still to pass over.
    private var skipping: UInt64
    private var header: (UInt64, UInt8) = (0, 0)
    private var headerCount = 0
    /// The first four bytes of a PRIORITY's payload belong to what is read of it.
    private var dependency: UInt32 = 0

    /// - Parameter preface: bytes before the first frame: 24 from a client, none from a server.
    package init(preface: Int) { skipping = UInt64(clamping: preface) }

    /// The next header in `bytes` from `index` on; `index` is left behind it. Nil at the end of the bytes.
    package mutating func next(_ bytes: UnsafeRawBufferPointer, at index: inout Int) -> H2FrameHeader? {
        while index < bytes.count {
            if skipping > 0 {
                let step = min(skipping, UInt64(bytes.count - index))
                skipping -= step
                index += Int(step)
                continue
            }
            switch headerCount {
            case ..<8: header.0 = header.0 << 8 | UInt64(bytes[index])
            case 8: header.1 = bytes[index]
            default: dependency = dependency << 8 | UInt32(bytes[index])
            }
            headerCount += 1
            index += 1
            if headerCount == (isPriority ? 13 : 9) { return whole() }
        }
        return nil
    }

    /// A PRIORITY frame of the right length is being read.
    private var isPriority: Bool { headerCount >= 9 && header.0 >> 32 == 5 << 8 | UInt64(H2FrameHeader.priority) }

    private mutating func whole() -> H2FrameHeader {
        let word = header.0
        var frame = H2FrameHeader(
            length: UInt32(truncatingIfNeeded: word >> 40), type: UInt8(truncatingIfNeeded: word >> 32),
            flags: UInt8(truncatingIfNeeded: word >> 24),
            stream: UInt32(truncatingIfNeeded: word & 0xff_ffff) << 8 & 0x7fff_ffff | UInt32(header.1))
        skipping = word >> 40
        if isPriority {
            skipping -= 4
            frame.dependsOn = dependency & 0x7fff_ffff
        }
        headerCount = 0
        return frame
    }
}
