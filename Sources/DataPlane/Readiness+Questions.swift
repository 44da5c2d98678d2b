internal import Net

/// The questions that both shores ask per event, as plain bit tests here: an `OptionSet` literal of another module's type is an array, and
/// an allocation, each time.
extension Readiness {
    private static let readableBit: UInt32 = 0x0001
    private static let writableBit: UInt32 = 0x0004
    private static let brokenBits: UInt32 = 0x0018
    private static let peerClosedBit: UInt32 = 0x2000

    /// There may be something to read, if only an end or an error.
    var tellsOfInput: Bool { rawValue & (Self.readableBit | Self.brokenBits | Self.peerClosedBit) != 0 }
    /// The peer has shut its writing side, or the connection broke.
    var tellsOfEnd: Bool { rawValue & (Self.brokenBits | Self.peerClosedBit) != 0 }
    var isBroken: Bool { rawValue & Self.brokenBits != 0 }
    var isWritable: Bool { rawValue & Self.writableBit != 0 }
    var isPeerClosed: Bool { rawValue & Self.peerClosedBit != 0 }
}
