internal import Glibc

/// Bytes that the kernel would not take yet, in order. Its watermarks are the kernel's: the source stops being read once the socket's send
/// buffer is full (`isEmpty` is false) and goes on when the queue has drained, which the kernel announces when a third of that buffer is
/// free. So it never holds more than one relay read and its framing.
package struct WriteQueue {
    package enum Progress: Equatable {
        case drained
        /// Wait for the writable edge.
        case blocked
        case failed(Int32)
    }

    private static let maximumGather = 16

    private var head: Block?
    // SAFETY: the chain from `head` ends here, and holds it; both are set together.
    private unowned(unsafe) var tail: Block?
    package private(set) var count = 0

    package init() {}
    package var isEmpty: Bool { head == nil }

    /// Copies.
    package mutating func append(_ bytes: UnsafeRawBufferPointer, pool: BufferPool) {
        guard !bytes.isEmpty else { return }
        if let tail, tail.room >= bytes.count {
            count += bytes.count
            return tail.append(bytes)
        }
        let block = pool.take(bytes.count)
        block.append(bytes)
        append(block)
    }

    /// Takes the block over.
    package mutating func append(_ block: consuming Block) {
        count += block.count
        let former = tail
        tail = block
        if let former { former.next = block } else { head = block }
    }

    package mutating func flush(_ descriptor: Int32, pool: BufferPool) -> Progress {
        while let first = head {
            let outcome = first.next == nil ? Syscall.send(descriptor, first.bytes) : gather(descriptor, from: first)
            switch outcome {
            case .moved(let sent): consume(sent, pool: pool)
            case .wouldBlock: return .blocked
            case .end: return .failed(EPIPE)
            case .failed(let code): return .failed(code)
            }
        }
        return .drained
    }

    /// The bytes that are next, as far as they lie together; empty when there are none. Valid until the queue is next changed.
    package var first: UnsafeRawBufferPointer { head?.bytes ?? UnsafeRawBufferPointer(start: nil, count: 0) }

    /// `count` bytes of `first` have been dealt with by somebody else.
    package mutating func drop(_ count: Int, pool: BufferPool) {
        precondition(count >= 0 && count <= first.count)
        consume(count, pool: pool)
    }

    package mutating func removeAll(pool: BufferPool) { consume(count, pool: pool) }

    // MARK: - Private

    private func gather(_ descriptor: Int32, from first: Block) -> Transfer {
        withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.maximumGather) { vector in
            var used = 0
            var block: Block? = first
            while let current = block, used < Self.maximumGather {
                vector.initializeElement(at: used, to: iovec(iov_base: current.mutableBytes.baseAddress, iov_len: current.count))
                used += 1
                block = current.next
            }
            return Syscall.send(descriptor, gather: UnsafeMutableBufferPointer(rebasing: vector[0..<used]))
        }
    }

    private mutating func consume(_ sent: Int, pool: BufferPool) {
        var left = sent
        count -= sent
        while let size = head?.count {
            if left < size {
                head?.consume(left)
                return
            }
            left -= size
            guard let first = head.take() else { return }
            head = first.next.take()
            if head == nil { tail = nil }
            pool.give(first)
        }
    }
}
