/// A piece of memory from a loop's `BufferPool`, filled behind its content, emptied in front. One owner at a time; goes back by `BufferPool.give`.
/// Confined to its loop.
package final class Block {
    /// Room in front of what is read, for a chunk-size line, and behind it, for the end of a chunked body: framing is written in place.
    package static let headroom = 64
    package static let tailroom = 64

    package let capacity: Int
    // Unchecked: the checks at run time show per request. Every access is of one word and ends within its statement.
    @exclusivity(unchecked) private var first = 0
    @exclusivity(unchecked) private var limit = 0
    /// Next in a `WriteQueue` or in the pool's free list.
    @exclusivity(unchecked) var next: Block?
    private let memory: UnsafeMutableRawPointer

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { memory.deallocate() }

    package var count: Int { limit - first }
    package var isEmpty: Bool { first == limit }
    package var room: Int { capacity - limit }

    /// The content. Valid until the block is next changed.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory + first, count: limit - first) }
    package var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory + first, count: limit - first)
    }
    /// The free space behind the content.
    package var space: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: memory + limit, count: capacity - limit)
    }

    /// Empties it; what comes next begins at `offset`.
    package func reset(at offset: Int = 0) {
        precondition(offset >= 0 && offset <= capacity)
        first = offset
        limit = offset
    }

    /// `count` bytes were written into `space`.
    package func filled(_ count: Int) {
        precondition(count >= 0 && count <= capacity - limit)
        limit += count
    }

    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= limit - first)
        first += count
    }

    /// Takes `count` bytes off the end.
    package func truncate(by count: Int) {
        precondition(count >= 0 && count <= limit - first)
        limit -= count
    }

    /// Makes the `count` bytes in front of the content part of the content.
    package func extendFront(by count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count >= 0 && count <= first)
        first -= count
        return UnsafeMutableRawBufferPointer(start: memory + first, count: count)
    }

    /// Copies; the caller has seen to `room`.
    package func append(_ source: UnsafeRawBufferPointer) {
        precondition(source.count <= room)
        guard let base = source.baseAddress else { return }
        (memory + limit).copyMemory(from: base, byteCount: source.count)
        limit += source.count
    }
}
