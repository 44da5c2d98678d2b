import CNghttp2
import Glibc
import Net
import Testing

@testable import HTTP

@Suite("HTTP/2: the library's memory")
struct H2MemoryTests {
    private let shelf = PageShelf(pages: 6, addresses: 1 << 20, warmest: 8)

    /// What the next session will take.
    private func nextPlace() throws -> UnsafeMutableRawPointer {
        let place = try #require(shelf.take())
        shelf.give(place)
        return place
    }

    private func resident(_ place: UnsafeMutableRawPointer) -> Int {
        var marks = [UInt8](repeating: 0, count: 6)
        #expect(mincore(place, shelf.size, &marks) == 0)
        return marks.count { $0 & 1 == 1 }
    }

    @Test("the table and the frame lie in pages; everything else, and whatever is too much, is malloc's")
    func sizes() throws {
        let place = try nextPlace()
        memset(place, 7, shelf.size)
        let memory = H2Memory(shelf)
        defer { withExtendedLifetime(memory) {} }
        let library = memory.functions
        let owner = library.mem_user_data
        let table = try #require(library.calloc(256, 16, owner))
        #expect(table == place && UnsafeRawBufferPointer(start: table, count: 4096).allSatisfy { $0 == 0 })
        // The library asks for a buffer by giving realloc nothing.
        let frame = try #require(library.realloc(nil, 16_394, owner))
        #expect(frame == place + 4096)
        let others = [
            library.malloc(16_394, owner), library.malloc(40, owner), library.calloc(1, 4096, owner), library.calloc(512, 16, owner),
            library.realloc(nil, 100_000, owner), library.realloc(nil, 16_384, owner),
        ]
        for piece in others {
            let piece = try #require(piece)
            #expect(piece < place || piece >= place + shelf.size)
            library.free(piece, owner)
        }
        #expect(library.calloc(.max, 16, owner) == nil)
        library.free(nil, owner)
        #expect(library.realloc(frame, 20_480, owner) == frame)
        memset(frame, 9, 20_480)
        let larger = try #require(library.realloc(frame, 40_000, owner))
        #expect(larger != frame && UnsafeRawBufferPointer(start: larger, count: 20_480).allSatisfy { $0 == 9 })
        library.free(larger, owner)
        library.free(table, owner)
    }

    @Test("a memory without pages is malloc's whole")
    func without() throws {
        for memory in [H2Memory(nil), H2Memory(PageShelf(pages: 6, addresses: 4096, warmest: 1))] {
            defer { withExtendedLifetime(memory) {} }
            let library = memory.functions
            let owner = library.mem_user_data
            for piece in [library.calloc(1, 4096, owner), library.malloc(16_394, owner)] {
                let grown = try #require(library.realloc(piece, 50_000, owner))
                memset(grown, 1, 50_000)
                library.free(grown, owner)
            }
            memory.rest(isSaid: true)
        }
    }

    @Test("a session at rest holds no page of it, wakes as it was, and leaves its pages to the next")
    func rest() throws {
        let place = try nextPlace()
        do {
            let (client, server) = (try Shore(.client), try Shore(.server, pages: shelf))
            server.onEvent = { shore, event in
                guard case .end(let stream) = event else { return }
                shore.session.respond(stream, list([":status": "200", "x-long": String(repeating: "l", count: 20_000)]), ends: false)
                shore.content(stream, [UInt8](repeating: 3, count: 40_000))
                shore.session.finish(stream, trailers: list(["x-end": "1"]))
            }
            for round in 1...3 {
                let stream = try #require(client.session.request(list(aRequest), ends: true, user: 0))
                talk(client, server)
                #expect(client.received[stream.id]?.count == 40_000 && client.log.last == "closed \(stream.id) 0", "round \(round)")
                #expect(client.log.contains("trailers \(stream.id) x-end=1"))
                #expect(resident(place) > 0)
                server.session.trim()
                #expect(resident(place) == 0, "round \(round)")
            }
            #expect(server.error == nil && client.error == nil)
        }
        #expect(shelf.take() == place)
    }

    @Test("a client's session rests and wakes likewise, with more streams than the first table holds")
    func client() throws {
        let place = try nextPlace()
        var limits = H2Limits()
        limits.concurrentStreams = 1000
        let (client, server) = (try Shore(.client, pages: shelf), try Shore(.server, limits: limits))
        server.onEvent = { shore, event in
            if case .request(let stream, _) = event { shore.session.respond(stream, list([":status": "204"]), ends: true) }
        }
        talk(client, server)
        for count in [1, 600, 1] {
            for _ in 0..<count { #expect(client.session.request(list(aRequest), ends: true, user: 0) != nil) }
            talk(client, server)
            #expect(client.session.streamCount == 0 && client.error == nil && server.error == nil)
            client.session.trim()
            // A table given up for a larger one may keep its page.
            #expect(resident(place) <= (count == 1 ? 1 : 2))
        }
        #expect(client.log.count { $0.hasPrefix("response") } == 602)
    }

    @Test("rest does not touch what is still to be said")
    func unsaid() throws {
        let (client, server) = (try Shore(.client, pages: shelf), try Shore(.server, pages: shelf))
        // Before the preface has left, too.
        client.session.trim()
        server.session.trim()
        talk(client, server)
        #expect(client.log == ["settings"] && server.log == ["settings"])
        let number = client.session.ping()
        client.session.trim()
        talk(client, server)
        #expect(client.log.last == "pong \(number)")
    }
}
