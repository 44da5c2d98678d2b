/// The nine bytes before each frame (RFC 9113 §4.1).
package struct H2FrameHeader: Equatable, Sendable {
    package var length: UInt32
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    /// Of PRIORITY: the stream that it names; 0 for any other frame.
    package var dependsOn: UInt32 = 0
    /// Of DATA: bytes of its length that are padding, the byte that says so among them.
    package var padding: UInt32 = 0

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
    static let padded: UInt8 = 0x8
    static let acknowledge: UInt8 = 0x1
}

/// Finds the frame headers in a stream of bytes that comes in any pieces, so that every frame is counted before the library works on it:
/// its callbacks are silent about frames that it ignores.
package struct H2FrameWalk: Sendable {
    /// Bytes of preface or payload still to pass over.
    private var skipping: UInt64
    private var header: (UInt64, UInt8) = (0, 0)
    private var headerCount = 0
    /// Bytes of payload that are read with the header, as far as they have come.
    private var extra: UInt32 = 0

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
            if headerCount == 0, bytes.count - index >= 9 {
                // SAFETY: nine bytes are there.
                header.0 = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                header.1 = bytes[index + 8]
                headerCount = 9
                index += 9
                if extraCount == 0 { return whole() }
                continue
            }
            switch headerCount {
            case ..<8: header.0 = header.0 << 8 | UInt64(bytes[index])
            case 8: header.1 = bytes[index]
            default: extra = extra << 8 | UInt32(bytes[index])
            }
            headerCount += 1
            index += 1
            if headerCount >= 9, headerCount == 9 + extraCount { return whole() }
        }
        return nil
    }

    /// What is read of a payload: the stream in a PRIORITY of the right length, the length of the padding in DATA.
    private var extraCount: Int {
        let type = UInt8(truncatingIfNeeded: header.0 >> 32)
        if type == H2FrameHeader.priority { return header.0 >> 40 == 5 ? 4 : 0 }
        return type == H2FrameHeader.data && header.0 >> 24 & UInt64(H2FrameHeader.padded) != 0 && header.0 >> 40 > 0 ? 1 : 0
    }

    private mutating func whole() -> H2FrameHeader {
        let (word, extraCount) = (header.0, extraCount)
        var frame = H2FrameHeader(
            length: UInt32(truncatingIfNeeded: word >> 40), type: UInt8(truncatingIfNeeded: word >> 32),
            flags: UInt8(truncatingIfNeeded: word >> 24),
            stream: UInt32(truncatingIfNeeded: word & 0xff_ffff) << 8 & 0x7fff_ffff | UInt32(header.1))
        skipping = word >> 40 &- UInt64(extraCount)
        if extraCount == 4 { frame.dependsOn = extra & 0x7fff_ffff }
        if extraCount == 1 { frame.padding = (extra & 0xff) + 1 }
        headerCount = 0
        return frame
    }
}
