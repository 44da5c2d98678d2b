import Glibc
import Net
import TLS
import TestSupport
import Testing

/// The server side against `openssl s_client`.
@Suite struct OpenSSLPeerTests {
    let material: Material
    let bridge = Duo.bridge()

    init() throws { material = try Material.shared.get() }

    /// One connection of `s_client`, which says "ping" and hears "pong".
    private func converse(_ store: CertificateStore, _ words: [String], bridge: TLSBridge? = nil) throws -> (TLSHandshake, Driven, String) {
        let listening = try Listening()
        let folder = try TemporaryFolder()
        let command =
            "printf 'ping\\n' | openssl s_client -connect 127.0.0.1:\(listening.port) -CAfile \(material.authority) -ign_eof "
            + words.joined(separator: " ")
        let child = try Child(["sh", "-c", command], output: folder["out"], errors: folder["err"])
        let driven = try Driven(listening.accept()) {
            try TLSSession(accepting: $0, store: store, bridge: bridge ?? self.bridge)
        }
        let outcome = try driven.shake()
        if outcome == .complete {
            #expect(try driven.hear(until: { $0.hasSuffix("\n") }).text == "ping\n")
            try driven.say("pong\n")
            try driven.end()
        }
        #expect(child.waitForExit(within: .seconds(20)) != nil)
        return (outcome, driven, text(of: folder["out"]) + text(of: folder["err"]))
    }

    private func store(_ files: [CertificateFiles]? = nil, _ settings: TLSSettings = TLSSettings()) throws -> CertificateStore {
        try CertificateStore(files ?? [material.shop], settings: settings, now: now)
    }

    @Test("both versions verify, agree on h2 and say what they chose", arguments: ["1.2", "1.3"])
    func versions(version: String) throws {
        let flag = version == "1.2" ? "-tls1_2" : "-tls1_3"
        let (outcome, driven, said) = try converse(
            store(),
            [flag, "-servername shop.test -verify_hostname shop.test -verify_return_error -alpn http/1.1,h2"])
        #expect(outcome == .complete)
        #expect(said.contains("pong") && said.contains("Verify return code: 0 (ok)") && said.contains("ALPN protocol: h2"), "\(said)")
        #expect(driven.session.version == "TLSv\(version)")
        #expect(driven.session.cipher == (version == "1.2" ? "ECDHE-ECDSA-AES128-GCM-SHA256" : "TLS_AES_128_GCM_SHA256"))
        #expect(driven.session.negotiatedProtocol == .http2)
        #expect(said.contains("Compression: NONE"))
    }

    @Test("the client's signature algorithms choose between RSA and ECDSA for one name")
    func keyTypes() throws {
        let store = try store([material.shop, material.shopRSA])
        for (algorithms, expected) in [("RSA-PSS+SHA256:RSA+SHA256", "RSA"), ("ECDSA+SHA256", "ECDSA")] {
            for version in ["-tls1_2", "-tls1_3"] {
                let (outcome, _, said) = try converse(store, [version, "-servername shop.test -sigalgs", algorithms])
                #expect(outcome == .complete)
                #expect(said.contains("Peer signature type: \(expected)"), "\(version) \(algorithms): \(said)")
            }
        }
    }

    @Test("old versions, CBC and versions below the listener's own are refused")
    func refusals() throws {
        let weak = "-cipher DEFAULT@SECLEVEL=0"
        #expect(try converse(store(), ["-tls1_1", weak]).0.failure != nil)
        #expect(try converse(store(), ["-tls1_2", "-cipher ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256"]).0.failure != nil)
        #expect(try converse(store(nil, TLSSettings(minimumVersion: .tls13)), ["-tls1_2"]).0.failure != nil)
        let (outcome, _, said) = try converse(store(), ["-alpn spdy/3"])
        #expect(outcome.failure != nil && said.contains("no application protocol"))
    }

    @Test("tickets are taken up by another context with the same keys, in both versions", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) throws {
        let folder = try TemporaryFolder()
        let keys = TicketKeys(now: now)
        let first = try converse(store(), [version, "-sess_out", folder["session"]], bridge: Duo.bridge(keys))
        #expect(first.0 == .complete && !first.1.session.isResumed)
        let second = try converse(store(), [version, "-sess_in", folder["session"]], bridge: Duo.bridge(keys.rotated(now: now)))
        #expect(second.0 == .complete && second.1.session.isResumed)
        #expect(second.2.contains("Reused, "))
        let third = try converse(store(), [version, "-sess_in", folder["session"]], bridge: Duo.bridge(TicketKeys(now: now)))
        #expect(third.0 == .complete && !third.1.session.isResumed)
    }

    @Test("a client that asks for new keys again and again is answered and heard")
    func newKeys() throws {
        let listening = try Listening()
        let folder = try TemporaryFolder()
        // s_client looks for its command letter at the beginning of each read of its own, so the lines come apart.
        let lines = "for i in 1 2 3 4; do echo K; sleep 0.3; done; echo ping; sleep 3"
        let command = "(\(lines)) | openssl s_client -connect 127.0.0.1:\(listening.port) -tls1_3"
        let child = try Child(["sh", "-c", command], output: folder["out"], errors: folder["err"])
        let driven = try Driven(listening.accept()) { try TLSSession(accepting: $0, store: store(), bridge: bridge) }
        #expect(try driven.shake() == .complete)
        #expect(try driven.hear(until: { $0.hasSuffix("ping\n") }).end == nil)
        try driven.say("pong\n")
        #expect(eventually { text(of: folder["out"]).contains("pong") })
        #expect(text(of: folder["out"]).contains("KEYUPDATE") || text(of: folder["err"]).contains("KEYUPDATE"))
        child.signal(SIGTERM)
    }

    @Test("a client certificate is asked for with the names of its authorities")
    func clientCertificate() throws {
        let store = try store(nil, TLSSettings(clientCertificates: .required(authorities: material.authority)))
        let (outcome, driven, said) = try converse(store, ["-cert", material.client.certificate, "-key", material.client.key])
        #expect(outcome == .complete && driven.session.peerCertificate != nil)
        #expect(said.contains("Acceptable client certificate CA names\nCN = ca"), "\(said)")
        #expect(try converse(store, ["-tls1_2"]).0.failure == .noCertificate)
    }

    @Test("an OCSP response from a file is shown to who asks for it")
    func staple() throws {
        let folder = try TemporaryFolder()
        try write("", to: folder["index"])
        let authority = ["-CA", material.authority, "-rsigner", material.authority, "-rkey", material.folder["ca.key"]]
        let ask = ["-issuer", material.authority, "-cert", material.shop.certificate, "-reqout", folder["request"]]
        #expect(try Program.run(["openssl", "ocsp"] + ask).succeeded)
        let answer = ["-index", folder["index"], "-ndays", "1", "-reqin", folder["request"], "-respout", folder["response"]]
        #expect(try Program.run(["openssl", "ocsp"] + authority + answer).succeeded)
        let files = CertificateFiles(certificate: material.shop.certificate, key: material.shop.key, staple: folder["response"])
        let store = try store([material.other, files])
        #expect(store.certificates[1].stapleError == nil)
        #expect(try converse(store, ["-status -servername shop.test"]).2.contains("OCSP Response Status: successful"))
        #expect(try converse(store, ["-status -servername other.test"]).2.contains("OCSP response: no response sent"))
    }

    @Test("secrets are logged only by a listener that was told to")
    func keyLog() throws {
        let folder = try TemporaryFolder()
        let settings = TLSSettings(keyLog: try KeyLog(path: folder["keys"]))
        #expect(try converse(store(nil, settings), ["-tls1_3"]).0 == .complete)
        #expect(text(of: folder["keys"]).contains("SERVER_TRAFFIC_SECRET_0 "))
        var status = stat()
        #expect(stat(folder["keys"], &status) == 0 && status.st_mode & 0o777 == 0o600)
    }
}
