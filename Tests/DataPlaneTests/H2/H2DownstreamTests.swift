import Config
import DataPlane
import HTTP
import Net
import TestSupport
import Testing

/// Requests that come over HTTP/2, in front of an upstream of HTTP/1.1.
@Suite struct H2DownstreamTests {
    /// The body of each request comes back, its trailers in a field.
    private static let echo: ScriptedUpstream.Script = { peer in
        while true {
            let head = try peer.request()
            let body = try peer.body()
            try peer.send(
                "HTTP/1.1 200 OK\r\nContent-Length: \(body.bytes.count)\r\nX-Via: \(head["via"] ?? "")\r\n"
                    + "X-Trailers: \(body.trailers.joined(separator: ", "))\r\n\r\n" + latin1(body.bytes))
        }
    }

    @Test("requests on one connection are answered each for itself, and the report counts connection and streams")
    func answers() throws {
        let origin = try ScriptedUpstream(Self.echo)
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let ids = try (0..<20).map { try client.request("/\($0)", method: "POST", body: String(repeating: "x", count: $0 * 100)) }
        for (index, id) in ids.enumerated() {
            let answer = try client.answer(id)
            #expect(answer.status == 200 && answer.body.count == index * 100 && answer.isEnded && answer.code == 0)
            #expect(answer.fields["x-via"] == "2.0 sluice")
        }
        #expect(fleet.reports().map(\.http2Connections) == [1])
        #expect(eventually { fleet.reports().map(\.http2Streams) == [0] })
        #expect(fleet.reports().map(\.requests) == [20])
        client.wire.close()
        #expect(eventually { fleet.reports().allSatisfy { $0.http2Connections == 0 && $0.downstreamConnections == 0 } })
    }

    @Test("a body without a length goes on in chunks as it comes, and ends with its stream")
    func chunks() throws {
        let origin = try ScriptedUpstream(Self.echo)
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let id = try client.open([":method": "POST", ":scheme": "http", ":authority": "a.test", ":path": "/"])
        try client.say("some ", on: id)
        #expect(eventually { origin.requests.count == 1 })
        try client.say("more", on: id, ends: true)
        let answer = try client.answer(id)
        #expect(answer.status == 200 && answer.text == "some more")
        #expect(origin.requests.first?.head["transfer-encoding"] == "chunked")
        withExtendedLifetime(fleet) {}
    }

    @Test("a request whose empty content ends in a frame of its own, in one piece with its head or not, is whole upstream")
    func emptyContent() throws {
        let origin = try ScriptedUpstream(Self.echo)
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let late = try client.open([":method": "POST", ":scheme": "http", ":authority": "a.test", ":path": "/"])
        #expect(eventually { origin.requests.count == 1 })
        try client.say("", on: late, ends: true)
        #expect(try client.answer(late).status == 200)
        let wire = try fleet.client()
        // SETTINGS, HEADERS of GET / (all in the static table but the authority), empty DATA with END_STREAM: one piece.
        try wire.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        try wire.send(
            bytes: [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 11, 1, 4, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x01, 0x06] + Array("a.test".utf8)
                + [0, 0, 0, 0, 1, 0, 0, 0, 1])
        #expect(eventually { fleet.reports().map(\.requests) == [2] })
        #expect(origin.requests.map(\.body.isWhole) == [true, true])
    }

    @Test("trailers of a response of HTTP/1.1 follow its content")
    func trailers() throws {
        let origin = try ScriptedUpstream { peer in
            try peer.wholeRequest()
            try peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
            try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n")
            peer.waitUntilAbandoned()
        }
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let answer = try client.answer(client.request())
        #expect(answer.interims == [103] && answer.status == 200 && answer.text == "abc" && answer.trailers == ["x-sum": "3"])
        #expect(answer.fields["transfer-encoding"] == nil && answer.code == 0)
        withExtendedLifetime(fleet) {}
    }

    @Test("a head beyond the limits gets 431 on its stream, one that the parser refuses its status; the connection goes on")
    func refusals() throws {
        let origin = try ScriptedUpstream(Self.echo)
        let fleet = try Fleet.h2(to: origin.place) { $0.limits.headerBytes = 4096 }
        let client = try fleet.h2Client()
        #expect(try client.answer(client.request("/", ["x-long": String(repeating: "a", count: 5000)])).status == 431)
        #expect(try client.answer(client.request(method: String(repeating: "M", count: 40))).status == 501)
        let other = try client.open([":method": "CONNECT", ":authority": "a.test:443"])
        #expect(try client.until { client[other].status == 501 })
        #expect(try client.answer(client.request()).status == 200)
        #expect(origin.requests.count == 1)
        withExtendedLifetime(fleet) {}
    }

    @Test("an answer that comes before the request is whole is whole itself, then the rest is refused without an error")
    func earlyAnswer() throws {
        let origin = try ScriptedUpstream { peer in
            try peer.request()
            try peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nearly")
            peer.waitUntilAbandoned()
        }
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let id = try client.open([":method": "POST", ":scheme": "http", ":authority": "a.test", ":path": "/"])
        try client.say("not all", on: id)
        let answer = try client.answer(id)
        #expect(answer.status == 413 && answer.text == "early" && answer.isEnded && answer.code == 0)
        withExtendedLifetime(fleet) {}
    }

    @Test("a cut answer is reset, and a client's reset frees the upstream at once")
    func resets() throws {
        let origin = try ScriptedUpstream { peer in
            let target = try peer.wholeRequest().target
            try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ")
            if target == "/hold" { peer.waitUntilAbandoned() }
        }
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        let cut = try client.answer(client.request("/cut"))
        #expect(cut.text == "half " && !cut.isEnded && cut.code == 2)
        let held = try client.request("/hold")
        #expect(try client.until { client[held].text == "half " })
        try client.reset(held)
        #expect(eventually { origin.abandoned == 1 })
        #expect(eventually { fleet.reports().allSatisfy { $0.exchangesInFlight == 0 && $0.http2Streams == 0 } })
        #expect(fleet.reports().map(\.http2Connections) == [1])
    }
}
