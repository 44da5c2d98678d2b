/// A piece of memory from a loop's `BufferPool`, filled at `end`, emptied at `start`. One owner at a time; goes back by `BufferPool.give`.
/// Confined to its loop.
package final class Block {
    /// Room in front of what is read, for a chunk-size line, and behind it, for the end of a chunked body: framing is written in place.
    package static let headroom = 64
    package static let tailroom = 64

    package let capacity: Int
    package private(set) var start = 0
    package private(set) var end = 0
    /// Next in a `WriteQueue` or in the pool's free list.
    var next: Block?
    private let memory: UnsafeMutableRawPointer

    init(capacity: Int) {
        self.capacity = capacity
        memory = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { memory.deallocate() }

    package var count: Int { end - start }
    package var isEmpty: Bool { start == end }
    package var room: Int { capacity - end }

    /// The bytes between `start` and `end`. Valid until the block is next changed.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory + start, count: end - start) }
    package var mutableBytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory + start, count: end - start) }
    /// The free space behind `end`.
    package var space: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory + end, count: capacity - end) }

    /// Empties it; what comes next begins at `offset`.
    package func reset(at offset: Int = 0) {
        precondition(offset >= 0 && offset <= capacity)
        start = offset
        end = offset
    }

    /// `count` bytes were written into `space`.
    package func filled(_ count: Int) {
        precondition(count >= 0 && count <= capacity - end)
        end += count
    }

    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= end - start)
        start += count
    }

    /// Takes `count` bytes off the end.
    package func truncate(by count: Int) {
        precondition(count >= 0 && count <= end - start)
        end -= count
    }

    /// Makes the `count` bytes in front of `start` part of the content.
    package func extendFront(by count: Int) -> UnsafeMutableRawBufferPointer {
        precondition(count >= 0 && count <= start)
        start -= count
        return UnsafeMutableRawBufferPointer(start: memory + start, count: count)
    }

    /// Copies; the caller has seen to `room`.
    package func append(_ source: UnsafeRawBufferPointer) {
        precondition(source.count <= room)
        guard let base = source.baseAddress else { return }
        (memory + end).copyMemory(from: base, byteCount: source.count)
        end += source.count
    }

    /// Moves the content to the front of the memory, to make room behind it.
    package func compact() {
        guard start > 0 else { return }
        memory.copyMemory(from: memory + start, byteCount: end - start)
        end -= start
        start = 0
    }
}
