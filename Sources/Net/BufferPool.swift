/// A loop's buffers by size. What is idle holds none; what comes back is kept for the next, up to a cap per size, and half of what nobody
/// wanted for a second is given back to the system, so that a burst does not stay. Confined to its loop.
package final class BufferPool {
    private struct Shelf {
        let capacity: Int
        let cap: Int
        var free: Block?
        var count = 0
        /// The least that was on the shelf since the last `trim`: nobody needed that many.
        var leastCount = 0
    }

    /// 1 KiB: what streams of HTTP/2 hand to each other: heads, small messages, trailers. 4 KiB: a retained head. 16 KiB: a partial head,
    /// small leftovers. 64 KiB: relays under back-pressure. 512 KiB: the warm read buffer.
    package static let smallest = 1024
    package static let largest = 512 * 1024 + Block.headroom + Block.tailroom
    /// By rising capacity. A plain piece of memory: every request comes by here some ten times, and an array would be asked each time
    /// whether it is shared.
    private let shelves: UnsafeMutableBufferPointer<Shelf>

    package init() {
        let sizes = [(Self.smallest, 4096), (4096, 1024), (16 * 1024, 256), (64 * 1024 + 128, 64), (Self.largest, 8)]
        shelves = .allocate(capacity: sizes.count)
        _ = shelves.initialize(from: sizes.map { Shelf(capacity: $0.0, cap: $0.1) })
    }

    deinit {
        shelves.deinitialize()
        shelves.deallocate()
    }

    /// An empty block with room for at least `size` bytes.
    package func take(_ size: Int) -> Block {
        for index in shelves.indices where size <= shelves[index].capacity {
            guard let block = shelves[index].free.take() else { return Block(capacity: shelves[index].capacity) }
            shelves[index].free = block.next.take()
            shelves[index].count -= 1
            shelves[index].leastCount = min(shelves[index].leastCount, shelves[index].count)
            return block
        }
        return Block(capacity: size)
    }

    package func give(_ block: consuming Block) {
        let capacity = block.capacity
        for index in shelves.indices where shelves[index].capacity == capacity {
            guard shelves[index].count < shelves[index].cap else { return }
            block.reset()
            block.next = shelves[index].free.take()
            shelves[index].free = block
            shelves[index].count += 1
            return
        }
    }

    /// Once a second.
    package func trim() {
        for index in shelves.indices {
            var surplus = (shelves[index].leastCount + 1) / 2
            while surplus > 0, let block = shelves[index].free {
                shelves[index].free = block.next
                block.next = nil
                shelves[index].count -= 1
                surplus -= 1
            }
            shelves[index].leastCount = shelves[index].count
        }
    }

    /// Bytes kept for the next taker.
    package var idleBytes: Int { shelves.reduce(0) { $0 + $1.count * $1.capacity } }
}
