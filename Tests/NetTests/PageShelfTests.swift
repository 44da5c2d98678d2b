import Glibc
import Testing

@testable import Net

@Suite("Buffers in pages of their own")
struct PageShelfTests {
    /// How many of its pages are in memory.
    private func resident(_ buffer: UnsafeMutableRawPointer, pages: Int) -> Int {
        var marks = [UInt8](repeating: 0, count: pages)
        #expect(mincore(buffer, pages * PageShelf.pageSize, &marks) == 0)
        return marks.count { $0 & 1 == 1 }
    }

    @Test("buffers lie on pages, apart from each other, and are taken again")
    func pooled() throws {
        let shelf = PageShelf(pages: 3, addresses: 1 << 22, warmest: 8)
        #expect(shelf.size == 12_288)
        // More than is opened at once.
        let buffers = try (0..<300).map { _ in try #require(shelf.take()) }
        for (index, buffer) in buffers.enumerated() { memset(buffer, Int32(index & 255), shelf.size) }
        for (index, buffer) in buffers.enumerated() {
            #expect(UInt(bitPattern: buffer) % 4096 == 0)
            let bytes = UnsafeRawBufferPointer(start: buffer, count: shelf.size)
            #expect(bytes.allSatisfy { $0 == UInt8(index & 255) })
        }
        for buffer in buffers { shelf.give(buffer) }
        #expect(Set((0..<300).compactMap { _ in shelf.take() }) == Set(buffers))
    }

    @Test("pages come with the first byte, and go when they are cooled; zeros are left")
    func cooled() throws {
        let shelf = PageShelf(pages: 4, addresses: 1 << 20, warmest: 8)
        let buffer = try #require(shelf.take())
        #expect(resident(buffer, pages: 4) == 0)
        memset(buffer, 1, 5000)
        #expect(resident(buffer, pages: 4) == 2)
        PageShelf.cool(UnsafeMutableRawBufferPointer(start: buffer, count: shelf.size))
        #expect(resident(buffer, pages: 4) == 0)
        #expect(UnsafeRawBufferPointer(start: buffer, count: shelf.size).allSatisfy { $0 == 0 })
        PageShelf.cool(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }

    @Test("of those given back, so many keep their pages")
    func bounded() throws {
        let shelf = PageShelf(pages: 1, addresses: 1 << 20, warmest: 2)
        let buffers = try (0..<5).map { _ in try #require(shelf.take()) }
        for buffer in buffers {
            memset(buffer, 1, shelf.size)
            shelf.give(buffer)
        }
        #expect(buffers.reduce(0) { $0 + resident($1, pages: 1) } == 2)
    }

    @Test("where there is no more room there is no buffer, until one comes back")
    func exhausted() throws {
        let shelf = PageShelf(pages: 2, addresses: 5 * 4096, warmest: 1)
        let first = try #require(shelf.take())
        let second = try #require(shelf.take())
        #expect(shelf.take() == nil)
        shelf.give(second)
        shelf.give(first)
        #expect(shelf.take() == second && shelf.take() == first && shelf.take() == nil)
    }

    @Test("a kernel without so many addresses gives a shelf without buffers")
    func refused() { #expect(PageShelf(pages: 1, addresses: 1 << 60, warmest: 1).take() == nil) }
}
