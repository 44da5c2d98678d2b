import Net
import TLS
import TestSupport
import Testing

/// The client side against `openssl s_server`, which sends every line back reversed.
@Suite struct OpenSSLServerTests {
    private final class Server {
        let place: Place
        private let folder: TemporaryFolder
        private let child: Child

        init(_ files: CertificateFiles, _ words: [String] = []) throws {
            let folder = try TemporaryFolder()
            let command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", files.certificate, "-key", files.key, "-rev"]
            child = try Child(command + words, output: folder["out"], errors: folder["err"])
            var port: UInt16?
            let isUp = eventually(within: .seconds(20)) {
                let line = text(of: folder["out"]).split(separator: "\n").first { $0.hasPrefix("ACCEPT ") }
                port = line?.split(separator: ":").last.flatMap { UInt16($0) }
                return port != nil
            }
            guard isUp, let port else { throw WireError.timedOut("s_server: \(text(of: folder["err"]))") }
            self.folder = folder
            place = .v4(port)
        }
    }

    let material: Material
    let bridge = Duo.bridge()

    init() throws { material = try Material.shared.get() }

    private func connect(
        _ server: Server, _ context: TLSClientContext, _ name: PeerName = .host("shop.test"), ticket: TLSSessionTicket? = nil,
        _ body: (Driven, TLSHandshake) throws -> Void
    ) throws {
        let client = try RawClient(server.place)
        try withExtendedLifetime(client) {
            let driven = try Driven(duplicate(client.descriptor)) {
                try TLSSession(connecting: $0, to: name, client: context, bridge: bridge, ticket: ticket)
            }
            try body(driven, driven.shake())
        }
    }

    @Test("both versions verify, choose a protocol, and the next connection takes the session up", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        let server = try Server(material.shop, [version, "-alpn", "h2,http/1.1"])
        let context = try TLSClientContext(.init(trust: .authorities(material.authority), protocols: [.http2, .http1]))
        var ticket: TLSSessionTicket?
        for isSecond in [false, true] {
            try connect(server, context, ticket: ticket) { driven, outcome in
                try #require(outcome == .complete)
                #expect(driven.session.isResumed == isSecond)
                #expect(driven.session.negotiatedProtocol == .http2)
                try driven.say("live\n")
                #expect(try driven.hear(until: { $0.hasSuffix("\n") }).text == "evil\n")
                ticket = driven.session.takeTicket()
                #expect(isSecond || ticket?.isResumable == true)
                try driven.end()
                let end = try driven.hear().end
                #expect(end == .closed || end == .truncated)
            }
        }
    }

    @Test("a target with another name, or under another authority, or without any we know, is refused")
    func refusals() throws {
        let server = try Server(material.other)
        let trusted = try TLSClientContext(.init(trust: .authorities(material.authority)))
        try connect(server, trusted, .host("shop.test")) { #expect($1.failure == .untrusted(62)) }
        try connect(server, trusted, .host("other.test")) { #expect($1 == .complete) }
        try connect(server, trusted, .address("127.0.0.1")) { #expect($1 == .complete) }
        for trust in [TLSClientContext.Settings.Trust.system, .authorities(material.otherAuthority)] {
            try connect(server, TLSClientContext(.init(trust: trust)), .host("other.test")) { _, outcome in
                guard case .untrusted = outcome.failure else { throw WireError.malformed("\(outcome)") }
            }
        }
        try connect(server, TLSClientContext(.init(trust: .anyone)), .host("whoever.test")) { #expect($1 == .complete) }
    }

    @Test("a target that asks for a certificate gets ours")
    func clientCertificate() throws {
        let server = try Server(material.shop, ["-Verify", "1", "-verify_return_error", "-CAfile", material.authority])
        let certificate = try Certificate(files: material.client)
        let trust = TLSClientContext.Settings.Trust.authorities(material.authority)
        try connect(server, TLSClientContext(.init(trust: trust, certificate: certificate))) { driven, outcome in
            #expect(outcome == .complete)
            try driven.say("live\n")
            #expect(try driven.hear(until: { $0.hasSuffix("\n") }).text == "evil\n")
        }
        // With TLS 1.3 the refusal comes after our side is through.
        try connect(server, TLSClientContext(.init(trust: trust))) { driven, outcome in
            guard outcome == .complete else { return }
            guard case .failed(.alert) = try driven.hear().end else { throw WireError.malformed("served without a certificate") }
        }
    }
}
