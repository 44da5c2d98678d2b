import Glibc
import Testing

@testable import Net

@Suite("Blocks and queues")
struct BufferTests {
    @Test("a block given back is taken again, and idle ones are let go")
    func pooled() {
        let pool = BufferPool()
        let block = pool.take(100)
        pool.give(block)
        #expect(pool.idleBytes == BufferPool.smallest)
        #expect(pool.take(100) === block)
        pool.give(block)
        pool.trim()
        pool.trim()
        #expect(pool.idleBytes == 0, "nobody wanted it for a whole second")
    }

    @Test("a block is filled behind and emptied in front")
    func filled() {
        let block = BufferPool().take(4096)
        block.reset(at: Block.headroom)
        Array("hello".utf8).withUnsafeBytes { block.append($0) }
        block.extendFront(by: 2).copyBytes(from: Array(">>".utf8))
        block.consume(1)
        block.truncate(by: 2)
        #expect(String(decoding: block.bytes, as: UTF8.self) == ">hel")
    }

    @Test(
        "an address is printed as it is written",
        arguments: ["127.0.0.1", "0.0.0.0", "255.10.9.100", "::1", "2001:db8::7"])
    func addresses(text: String) throws {
        let address = try #require(SocketAddress(literal: text, port: 8080))
        #expect(address.host == text)
        #expect(address.port == 8080)
        let back = address.withSockaddr { pointer, length in (pointer.pointee.sa_family, length) }
        #expect(Int32(back.0) == address.family && back.1 > 0)
    }

    @Test("what is no address is refused", arguments: ["", "localhost", "1.2.3", "1.2.3.256", "::g", "[::1]"])
    func noAddress(text: String) {
        #expect(SocketAddress(literal: text, port: 1) == nil)
    }
}
