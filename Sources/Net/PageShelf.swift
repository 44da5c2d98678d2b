internal import Glibc

/// Buffers of one size in pages of their own, most of which stay untouched: a page costs nothing before it is written to, and nothing again
/// once it is cooled. (Untouched pages of malloc's heap cost as much as what lay there before, and its aligned pieces do not come back to
/// the next who asks for one.) Confined to its loop; it outlives its buffers.
package final class PageShelf {
    /// Bytes of each buffer.
    package let size: Int
    /// One range of addresses, reserved once.
    private let base: UnsafeMutableRawPointer?
    private let reserved: Int
    /// Bytes from the beginning that may be touched, and that were ever given away.
    private var opened = 0
    private var begun = 0
    /// Given back, with what was written in them.
    private var warm: [UnsafeMutableRawPointer] = []
    /// Given back, without pages.
    private var cold: [UnsafeMutableRawPointer] = []
    private let warmest: Int

    package static let pageSize = 4096
    /// Opened at once: a kernel with strict accounting counts these.
    private static let step = 1 << 20

    /// - Parameters:
    ///   - pages: of each buffer.
    ///   - addresses: reserved, in bytes. Where the kernel has none, or pages of another size, `take` gives nothing.
    ///   - warmest: buffers that keep their pages while nobody has them.
    package init(pages: Int, addresses: Int, warmest: Int) {
        size = pages * Self.pageSize
        self.warmest = warmest
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        guard sysconf(Int32(_SC_PAGESIZE)) == Self.pageSize, let range = mmap(nil, addresses, PROT_NONE, flags, -1, 0), range != MAP_FAILED
        else {
            (base, reserved) = (nil, 0)
            return
        }
        // One huge page would be all that is to be saved.
        _ = madvise(range, addresses, MADV_NOHUGEPAGE)
        (base, reserved) = (range, addresses)
    }

    deinit { if let base { munmap(base, reserved) } }

    /// A buffer, whatever it holds; nil when there is no more room.
    package func take() -> UnsafeMutableRawPointer? { warm.popLast() ?? cold.popLast() ?? next() }

    package func give(_ buffer: UnsafeMutableRawPointer) {
        guard warm.count >= warmest else { return warm.append(buffer) }
        Self.cool(UnsafeMutableRawBufferPointer(start: buffer, count: size))
        cold.append(buffer)
    }

    /// Gives whole pages of a buffer back to the kernel until they are written to again; they read as zeros then.
    package static func cool(_ pages: UnsafeMutableRawBufferPointer) {
        guard let base = pages.baseAddress else { return }
        if madvise(base, pages.count, MADV_DONTNEED) != 0 { memset(base, 0, pages.count) }
    }

    // MARK: - Private

    private func next() -> UnsafeMutableRawPointer? {
        guard let base, size <= reserved - begun else { return nil }
        while begun + size > opened {
            let more = min(Self.step, reserved - opened)
            guard mprotect(base + opened, more, PROT_READ | PROT_WRITE) == 0 else { return nil }
            opened += more
        }
        defer { begun += size }
        return base + begun
    }
}
