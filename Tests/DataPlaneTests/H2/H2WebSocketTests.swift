import DataPlane
import HTTP
import Net
import TLS
import TestSupport
import Testing

/// Extended CONNECT (RFC 8441) in front of an upstream of HTTP/1.1.
@Suite struct H2WebSocketTests {
    private static let asked: KeyValuePairs = [
        ":method": "CONNECT", ":protocol": "websocket", ":scheme": "http", ":authority": "a.test", ":path": "/ws",
    ]

    private static func granting(_ accept: @escaping @Sendable (String) -> String) -> ScriptedUpstream.Script {
        { peer in
            let head = try peer.request()
            let answer = accept(head["sec-websocket-key"] ?? "")
            try peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(answer)\r\n")
            let word = try peer.read(5)
            try peer.send(bytes: word.reversed())
            peer.waitUntilAbandoned()
        }
    }

    private static func right(_ key: String) -> String {
        let text = Array(key.utf8).withUnsafeBytes { WebSocketAccept.text($0) }
        return "Sec-WebSocket-Accept: \(String(decoding: text, as: UTF8.self))\r\n"
    }

    @Test("a WebSocket is granted with 200, bytes flow both ways, and its end is passed on")
    func tunnel() throws {
        let origin = try ScriptedUpstream(Self.granting { Self.right($0) })
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        #expect(try client.until { client.session.peerTakesWebSocket })
        let id = try client.open(Self.asked, ["sec-websocket-version": "13"])
        #expect(try client.until { client[id].status == 200 })
        #expect(client[id].fields["sec-websocket-accept"] == nil && client[id].fields["upgrade"] == nil)
        #expect(fleet.reports().map(\.tunnels) == [1])
        try client.say("hello", on: id)
        #expect(try client.until { client[id].text == "olleh" })
        try client.say("", on: id, ends: true)
        #expect(try client.until { client[id].code == 0 })
        #expect(eventually { fleet.reports().allSatisfy { $0.tunnels == 0 && $0.http2Streams == 0 } })
    }

    @Test("an upstream that does not answer the key, and one that answers 200, have granted nothing: 502")
    func refused() throws {
        for accept in ["", "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"] {
            let origin = try ScriptedUpstream(Self.granting { _ in accept })
            let fleet = try Fleet.h2(to: origin.place)
            let client = try fleet.h2Client()
            #expect(try client.until { client.session.peerTakesWebSocket })
            let id = try client.open(Self.asked)
            #expect(try client.until { client[id].status == 502 })
            withExtendedLifetime(fleet) {}
        }
        let origin = try ScriptedUpstream()
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        #expect(try client.until { client.session.peerTakesWebSocket })
        let id = try client.open(Self.asked)
        #expect(try client.until { client[id].status == 502 })
        withExtendedLifetime(fleet) {}
    }

    @Test("other protocols than websocket get 501")
    func otherProtocols() throws {
        let origin = try ScriptedUpstream()
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        #expect(try client.until { client.session.peerTakesWebSocket })
        let id = try client.open([
            ":method": "CONNECT", ":protocol": "connect-udp", ":scheme": "http", ":authority": "a.test", ":path": "/",
        ])
        #expect(try client.until { client[id].status == 501 })
        withExtendedLifetime(fleet) {}
    }

    @Test("a drain waits for the tunnel before it tells the connection to leave")
    func drain() throws {
        let origin = try ScriptedUpstream(Self.granting { Self.right($0) })
        let fleet = try Fleet.h2(to: origin.place)
        let client = try fleet.h2Client()
        #expect(try client.until { client.session.peerTakesWebSocket })
        let id = try client.open(Self.asked)
        #expect(try client.until { client[id].status == 200 })
        for worker in fleet.workers { worker.drainConnections() }
        try client.say("hello", on: id)
        #expect(try client.until { client[id].text == "olleh" })
        #expect(client.goAways.isEmpty)
        try client.reset(id)
        #expect(try client.until { client.isClosed })
        #expect(!client.goAways.isEmpty)
    }
}
