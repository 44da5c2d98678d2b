internal import CNghttp2
internal import Glibc
package import Net

/// The library's memory of one session. Its two large buffers lie in pages of the loop, to be given back while the session rests;
/// everything else is malloc's.
///
/// - The stream table, one page of zeros without streams. A larger one is malloc's.
/// - The frame being packed: 16 KiB, of which the first hundreds of bytes are used, for content goes by.
package final class H2Memory {
    private let shelf: PageShelf?
    private let pages: UnsafeMutableRawPointer?
    private var hasTable = false
    private var hasFrame = false

    private static let pageCount = 6
    /// Above what any head asks for at once.
    private static let frameSizes = 16_385...(pageCount - 1) * PageShelf.pageSize

    /// The shelf that sessions of a loop share: room for 43,690 of them; those beyond are malloc's whole.
    package static func makeShelf() -> PageShelf { PageShelf(pages: pageCount, addresses: 1 << 30, warmest: 64) }

    init(_ shelf: PageShelf?) {
        self.shelf = shelf
        pages = shelf?.take()
    }

    // The library's session is gone by now.
    deinit { if let shelf, let pages { shelf.give(pages) } }

    /// Gives back the pages that a session without streams does not need.
    /// - Parameter isSaid: no frame is under way, so that what lies in the buffer is of no use.
    func rest(isSaid: Bool) {
        guard let pages else { return }
        if isSaid, hasFrame { PageShelf.cool(frame(pages)) }
        // Zeros it was, and zeros it stays.
        let table = table(pages)
        if hasTable, table.withMemoryRebound(to: UInt64.self, { $0.allSatisfy { $0 == 0 } }) { PageShelf.cool(table) }
    }

    // MARK: - What the library calls

    /// SAFETY: the session that gets these is deleted before its memory goes.
    var functions: nghttp2_mem {
        nghttp2_mem(
            mem_user_data: Unmanaged.passUnretained(self).toOpaque(),
            malloc: { size, memory in H2Memory.lent(memory) { $0.take(size) ?? malloc(size) } },
            free: { piece, memory in H2Memory.lent(memory) { if !$0.owns(piece) { free(piece) } } },
            calloc: { count, size, memory in H2Memory.lent(memory) { $0.takeTable(count, size) ?? calloc(count, size) } },
            realloc: { piece, size, memory in H2Memory.lent(memory) { $0.resize(piece, size) } })
    }

    private static func lent<Result>(_ memory: UnsafeMutableRawPointer?, _ body: (H2Memory) -> Result) -> Result {
        guard let memory else { preconditionFailure("the library has lost its memory") }
        return Unmanaged<H2Memory>.fromOpaque(memory)._withUnsafeGuaranteedRef(body)
    }

    /// The first of its size; what is given back stays here, for the session's life.
    private func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard Self.frameSizes.contains(size), !hasFrame, let pages else { return nil }
        hasFrame = true
        return frame(pages).baseAddress
    }

    private func takeTable(_ count: Int, _ size: Int) -> UnsafeMutableRawPointer? {
        guard count.multipliedReportingOverflow(by: size) == (PageShelf.pageSize, false), !hasTable, let pages else { return nil }
        hasTable = true
        memset(pages, 0, PageShelf.pageSize)
        return pages
    }

    private func resize(_ piece: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let piece else { return take(size) ?? malloc(size) }
        guard let pages, owns(piece) else { return realloc(piece, size) }
        let old = piece == pages ? table(pages) : frame(pages)
        guard size > old.count else { return piece }
        guard let larger = malloc(size) else { return nil }
        UnsafeMutableRawBufferPointer(start: larger, count: size).copyMemory(from: UnsafeRawBufferPointer(old))
        return larger
    }

    private func owns(_ piece: UnsafeMutableRawPointer?) -> Bool {
        UInt(bitPattern: piece) &- UInt(bitPattern: pages) < UInt(bitPattern: Self.pageCount * PageShelf.pageSize) && pages != nil
    }

    private func table(_ pages: UnsafeMutableRawPointer) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: pages, count: PageShelf.pageSize)
    }

    private func frame(_ pages: UnsafeMutableRawPointer) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: pages + PageShelf.pageSize, count: (Self.pageCount - 1) * PageShelf.pageSize)
    }
}
