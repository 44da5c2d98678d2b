/// What a session wants to have sent, in order: bytes of its own, and the places where the caller's payload goes. One per loop, used
/// again and again; confined to it.
///
/// Payload is named, not copied: the blocks that came from one shore go to the other as they are. (Copying it into the frames costs a
/// second pass over every body; a caller that finds a payload small can still copy it between its neighbours and save a vector.)
package final class H2Output {
    package enum Piece: Equatable, Sendable {
        /// A range of `bytes`.
        case wire(ByteRange)
        /// So many of the bytes offered on this stream, the oldest first. The stream may be told as closed after this `send`.
        case payload(H2Stream, Int)
    }

    @exclusivity(unchecked) package private(set) var pieces: [Piece] = []
    /// Trailers on their way into the library.
    let trailers = H2FieldList()
    private let storage: UnsafeMutableRawBufferPointer
    @exclusivity(unchecked) private var used = 0
    /// Bytes of all pieces.
    @exclusivity(unchecked) package private(set) var count = 0

    /// The most that the library hands out at once: a frame of 16 KiB with its header and padding.
    private static let largestFrame = 16_384 + 9 + 256

    package init() {
        storage = .allocate(byteCount: 4 * Self.largestFrame, alignment: 16)
        pieces.reserveCapacity(64)
    }

    deinit { storage.deallocate() }

    /// SAFETY: valid until the next `send` into it.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<used]) }

    // MARK: - Filling

    func removeAll() {
        pieces.removeAll(keepingCapacity: true)
        (used, count) = (0, 0)
    }

    var hasRoom: Bool { storage.count - used >= Self.largestFrame }

    func put(_ bytes: UnsafeRawBufferPointer) {
        // SAFETY: `hasRoom` was asked before; a larger frame than there can be stops here.
        precondition(bytes.count <= storage.count - used)
        UnsafeMutableRawBufferPointer(rebasing: storage[used...]).copyMemory(from: bytes)
        let range = ByteRange(start: UInt32(used), end: UInt32(used + bytes.count))
        used += bytes.count
        count += bytes.count
        if case .wire(let last)? = pieces.last, last.end == range.start {
            pieces[pieces.count - 1] = .wire(ByteRange(start: last.start, end: range.end))
        } else {
            pieces.append(.wire(range))
        }
    }

    func put(payload: Int, of stream: H2Stream) {
        pieces.append(.payload(stream, payload))
        count += payload
    }
}
