internal import HTTP
internal import Net

/// What the HTTP/2 connections of a loop use one after the other, each within one call.
final class H2Scratch {
    /// Where sessions keep what is large; not for one call, but for as long as they live.
    let pages = H2Memory.makeShelf()
    /// Frames that came in. Not the loop's read buffer: exchanges read into that one while these bytes are worked on.
    let input: Block
    /// What a session wants to have sent.
    let output = H2Output()
    /// The same with its payload in place, for one call.
    let sending: Block
    /// Fields on their way into a session.
    let fields = H2FieldList()

    /// Bytes asked of a session at once; it exceeds that by a frame at most.
    static let budget = 96 * 1024
    private static let largestFrame = 16 * 1024 + 512

    init(_ pool: BufferPool) {
        input = pool.take(Transport.cautiousRelaySize + Block.tailroom)
        sending = pool.take(Self.budget + 4 * Self.largestFrame)
    }
}
