import Glibc
import Net
import TLS
import TestSupport
import Testing

/// Sessions of both sides against each other.
@Suite struct SessionTests {
    let material: Material
    let bridge = Duo.bridge()

    init() throws { material = try Material.shared.get() }

    private func store(_ files: [CertificateFiles]? = nil, _ settings: TLSSettings = TLSSettings()) throws -> CertificateStore {
        try CertificateStore(files ?? [material.shop], settings: settings, now: now)
    }

    private func context(
        _ version: TLSSettings.Version = .tls12, _ protocols: [TLSProtocol] = [.http1], certificate: CertificateFiles? = nil
    ) throws -> TLSClientContext {
        try TLSClientContext(
            .init(
                minimumVersion: version, trust: .authorities(material.authority), protocols: protocols,
                certificate: try certificate.map { try Certificate(files: $0) }))
    }

    @Test("two sides agree, talk, and tell what they agreed on")
    func talk() throws {
        let duo = try Duo(store(), context(.tls12, [.http2, .http1]), bridge: bridge)
        try duo.connect()
        #expect(duo.say("GET / HTTP/1.1", from: duo.client, to: duo.server) == "GET / HTTP/1.1")
        #expect(!duo.server.mayHaveMore)
        #expect(duo.server.readSome().outcome == .wantRead)
        #expect(duo.server.version == "TLSv1.3")
        #expect(duo.server.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(duo.server.serverName == "shop.test")
        #expect(duo.server.negotiatedProtocol == .http2 && duo.client.negotiatedProtocol == .http2)
        #expect(duo.server.peerCertificate == nil)
        #expect(duo.client.peerCertificate?.isEmpty == false)
    }

    @Test("without ALPN nothing is chosen, and without a common protocol the handshake is refused with its own alert")
    func alpn() throws {
        let silent = try Duo(store(), context(.tls12, []), bridge: bridge)
        try silent.connect()
        #expect(silent.server.negotiatedProtocol == nil)
        let strict = try Duo(store(nil, TLSSettings(protocols: [.http2])), context(.tls12, [.http1]), bridge: bridge)
        #expect(strict.shake().client.failure == .alert(120))
    }

    @Test("the name asked for chooses the certificate: exact, wildcard for one label, else the first")
    func serverNames() throws {
        let store = try store([material.other, material.shop, material.wildcard])
        func certificate(for host: String) throws -> [UInt8]? {
            let context = try TLSClientContext(.init(trust: .anyone))
            let duo = try Duo(store, context, bridge: bridge, host: .host(host))
            try duo.connect()
            return duo.client.peerCertificate
        }
        let shop = try certificate(for: "shop.test")
        let other = try certificate(for: "other.test")
        let wildcard = try certificate(for: "a.shop.test")
        #expect(Set([shop, other, wildcard]).count == 3)
        #expect(try certificate(for: "SHOP.test.") == shop)
        #expect(try certificate(for: "www.shop.test") == shop, "exact goes before the wildcard")
        #expect(try certificate(for: "a.b.shop.test") == other)
        #expect(try certificate(for: "unknown.test") == other)
    }

    @Test("a target whose certificate names another host, or comes from nobody trusted, is refused")
    func verification() throws {
        let wrongName = try Duo(store(), context(), bridge: bridge, host: .host("wrong.test")).shake()
        #expect(wrongName.client.failure == .untrusted(62))
        let address = try Duo(store([material.other]), context(), bridge: bridge, host: .address("127.0.0.1")).shake()
        #expect(address.client == .complete)
        let wrongAddress = try Duo(store([material.other]), context(), bridge: bridge, host: .address("127.0.0.2")).shake()
        #expect(wrongAddress.client.failure == .untrusted(64))
        let stranger = try TLSClientContext(.init(trust: .authorities(material.otherAuthority)))
        let untrusted = try Duo(store(), stranger, bridge: bridge).shake()
        guard case .untrusted = untrusted.client.failure else { throw WireError.malformed("\(untrusted)") }
        guard case .alert = untrusted.server.failure else { throw WireError.malformed("\(untrusted)") }
        #expect(throws: TLSError.self) { try Duo(store(), context(), bridge: bridge, host: .host("no host")) }
    }

    @Test("a client certificate is forwarded when good, refused when strange, and missed only where it is required")
    func clientCertificates() throws {
        let optional = try store(nil, TLSSettings(clientCertificates: .optional(authorities: material.authority)))
        let required = try store(nil, TLSSettings(clientCertificates: .required(authorities: material.authority)))
        for store in [optional, required] {
            let duo = try Duo(store, context(certificate: material.client), bridge: bridge)
            try duo.connect()
            #expect(duo.server.peerCertificate?.isEmpty == false)
            #expect(try Duo(store, context(certificate: material.stranger), bridge: bridge).shake().server.failure != nil)
        }
        let without = try Duo(optional, context(), bridge: bridge)
        try without.connect()
        #expect(without.server.peerCertificate == nil)
        #expect(try Duo(required, context(), bridge: bridge).shake().server.failure == .noCertificate)
    }

    @Test("close_notify tells a whole end from a cut one, in both directions, and the other direction goes on")
    func closing() throws {
        let duo = try Duo(store(), context(), bridge: bridge)
        try duo.connect()
        #expect(duo.client.write(text: "last words") == .moved(10))
        #expect(duo.client.shutdown() == .moved(0))
        Syscall.shutdownWrite(duo.sockets.client)
        #expect(duo.server.readSome().bytes == Array("last words".utf8))
        #expect(duo.server.readSome().outcome == .closed)
        #expect(duo.say("still here", from: duo.server, to: duo.client) == "still here")
        #expect(duo.server.shutdown() == .moved(0))
        #expect(duo.client.readSome().outcome == .closed)

        let cut = try Duo(store(), context(), bridge: bridge)
        try cut.connect()
        #expect(cut.client.write(text: "half") == .moved(4))
        Syscall.shutdownWrite(cut.sockets.client)
        #expect(cut.server.readSome().bytes == Array("half".utf8))
        #expect(cut.server.readSome().outcome == .truncated)
        #expect(cut.say("still here", from: cut.server, to: cut.client) == "still here")
    }

    @Test("what is no handshake is told apart and harms nobody")
    func garbage() throws {
        for (text, expected) in [("GET / HTTP/1.1\r\n\r\n", TLSFailure.plainHTTP), (String(repeating: "x", count: 400), nil)] {
            let sockets = try SocketPair()
            let session = try TLSSession(accepting: sockets.server, store: store(), bridge: bridge)
            #expect(Array(text.utf8).withUnsafeBytes { Syscall.send(sockets.client, $0) } == .moved(text.utf8.count))
            let failure = session.handshake().failure
            #expect(failure != nil && (expected == nil || failure == expected), "\(text): \(String(describing: failure))")
            #expect(session.handshake().failure == failure)
            #expect(session.readSome().outcome != .wantRead)
            if case .moved = session.shutdown() { Issue.record("a failed session says close_notify") }
        }
        let sockets = try SocketPair()
        let session = try TLSSession(accepting: sockets.server, store: store(), bridge: bridge)
        #expect(session.handshake() == .wantRead)
        sockets.closeClient()
        #expect(session.handshake() == .failed(.endedInHandshake))
    }

    @Test("handshakes of one loop run in any order, and those given up halfway leave the others alone")
    func interleaved() throws {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var state = seed
        func roll(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let store = try store()
        let context = try context()
        var open = try (0..<24).map { _ in try Duo(store, context, bridge: bridge) }
        var completed = 0
        for _ in 0..<10_000 where !open.isEmpty {
            let index = roll(open.count)
            let duo = open[index]
            if roll(12) == 0 {
                open.remove(at: index)
            } else if duo.client.handshake() == .complete, duo.server.handshake() == .complete {
                #expect(duo.say("hello", from: duo.server, to: duo.client) == "hello", "seed \(seed)")
                open.remove(at: index)
                completed += 1
            } else {
                #expect(duo.server.handshake().failure == nil, "seed \(seed)")
            }
        }
        #expect(open.isEmpty && completed > 0, "seed \(seed)")
    }

    @Test("a handshake that dribbles byte by byte gets through")
    func slowHandshake() throws {
        let left = try SocketPair()
        let right = try SocketPair()
        let server = try TLSSession(accepting: right.server, store: store(), bridge: bridge)
        let client = try TLSSession(connecting: left.client, to: .host("shop.test"), client: context(), bridge: bridge)
        var outcome = (client: client.handshake(), server: server.handshake())
        var byte = [UInt8](repeating: 0, count: 1)
        func carry(_ from: Int32, _ to: Int32) -> Bool {
            guard byte.withUnsafeMutableBytes({ Syscall.receive(from, $0) }) == .moved(1) else { return false }
            return byte.withUnsafeBytes { Syscall.send(to, $0) } == .moved(1)
        }
        var moves = true
        while moves {
            moves = false
            while carry(left.server, right.client) {
                moves = true
                if outcome.server.isUnderWay { outcome.server = server.handshake() }
            }
            while carry(right.client, left.server) {
                moves = true
                if outcome.client.isUnderWay { outcome.client = client.handshake() }
            }
        }
        #expect(outcome.client == .complete && outcome.server == .complete)
    }

    @Test("three megabytes arrive unchanged though the socket takes little at a time", arguments: [1000, 16 * 1024, 300 * 1024])
    func bigTransfer(room: Int) throws {
        let duo = try Duo(store(), context(), bridge: bridge, sendBuffer: 8192)
        try duo.connect()
        let size = 3 * 1024 * 1024
        let period = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let sent = Array(repeatElement(period, count: size / period.count + 1).joined().prefix(size))
        var received: [UInt8] = []
        var offset = 0
        var waits = 0
        while received.count < size {
            if offset < size {
                let outcome = sent[offset..<min(size, offset + 200_000)].withUnsafeBytes { duo.server.write($0) }
                switch outcome {
                case .moved(let count): offset += count
                case .wantWrite: waits += 1
                default: throw WireError.malformed("\(outcome)")
                }
            } else {
                #expect(duo.server.flush() == .moved(0) || duo.server.wantsWrite)
            }
            repeat {
                let (outcome, bytes) = duo.client.readSome(room: room)
                if outcome == .wantRead { break }
                guard case .moved = outcome else { throw WireError.malformed("\(outcome)") }
                received += bytes
            } while duo.client.mayHaveMore
        }
        #expect(received == sent)
        #expect(waits > 0)
    }
}
