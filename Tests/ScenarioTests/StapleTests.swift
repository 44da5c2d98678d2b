import Glibc
import TestSupport
import Testing

/// OCSP responses that the process fetches, from a responder whose answers `openssl ocsp` makes.
@Suite struct StapleTests {
    private static func bytesToFile(_ bytes: [UInt8], _ path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        _ = Glibc.write(file, bytes, bytes.count)
        close(file)
    }

    /// Answers by what stands in the index of `folder`.
    private static func responder(_ folder: TemporaryFolder) -> ScriptedUpstream.Script {
        { peer in
            while true {
                try peer.request()
                bytesToFile(try peer.body().bytes, folder["question"])
                let words = [
                    "-index", folder["index"], "-CA", folder["ca.crt"], "-rsigner", folder["ca.crt"], "-rkey", folder["ca.key"],
                    "-nmin", "10", "-reqin", folder["question"], "-respout", folder["answer"],
                ]
                _ = try Program.run(["openssl", "ocsp"] + words)
                let answer = contents(of: folder["answer"]) ?? []
                unlink(folder["answer"])
                try peer.send("HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: \(answer.count)\r\n\r\n")
                try peer.send(bytes: answer)
                peer.close()
                return
            }
        }
    }

    /// A certificate that names the responder, with its issuer behind it, entered in the responder's index with this letter.
    private func stage(_ letter: String, _ scene: (SluiceProcess, Place, TemporaryFolder) throws -> Void) throws {
        let folder = try TemporaryFolder()
        _ = try TestCertificate.make("ca", in: folder)
        let responder = try ScriptedUpstream(Self.responder(folder))
        let host = try TestCertificate.make(
            "web", "DNS:shop.test", by: "ca", more: "authorityInfoAccess=OCSP;URI:http://\(responder.place)/ocsp\n", in: folder)
        let said = try Program.run(["openssl", "x509", "-in", host.certificate, "-noout", "-serial"]).output
        let serial = said.split(separator: "=").last?.split(separator: "\n").first ?? ""
        let revoked = letter == "R" ? "260101000000Z" : ""
        try write("\(letter)\t360101000000Z\t\(revoked)\t\(serial)\tunknown\t/CN=web\n", to: folder["index"])
        try write(text(of: host.certificate) + text(of: folder["ca.crt"]), to: folder["chain.crt"])
        let sluice = try SluiceProcess(
            """
            listeners:
              - name: web
                bind: ["127.0.0.1:0"]
                tls: { certificates: [{ cert: \(folder["chain.crt"]), key: \(host.key) }], ocsp: fetch }
            services: { shop: { pools: { only: { targets: ["127.0.0.1:1"] } } } }
            """)
        defer { expectAlive(sluice) }
        try scene(sluice, try sluice.place(), folder)
        withExtendedLifetime(responder) {}
    }

    private func ask(_ place: Place, _ folder: TemporaryFolder) throws -> String {
        let words = "openssl s_client -connect \(place) -CAfile \(folder["ca.crt"]) -servername shop.test -status"
        return try Program.run(["sh", "-c", "echo Q | \(words)"]).output
    }

    private func certificate(_ sluice: SluiceProcess) throws -> JSON {
        try sluice.status()["listeners"].items.first?["certificates"].items.first ?? .null
    }

    @Test("a response is fetched in the background, verified and shown to who asks for it")
    func good() throws {
        try stage("V") { sluice, place, folder in
            let isShown = try eventually(within: .seconds(20)) { try certificate(sluice)["staple_until"].string != nil }
            #expect(isShown, "\(sluice.errors)")
            let said = try ask(place, folder)
            #expect(said.contains("OCSP Response Status: successful") && said.contains("Cert Status: good"), "\(said)")
        }
    }

    @Test("a certificate that was revoked is told of and goes without a response")
    func revoked() throws {
        try stage("R") { sluice, place, folder in
            let isTold = try eventually(within: .seconds(20)) {
                try certificate(sluice)["staple_error"].string == "the certificate has been revoked"
            }
            #expect(isTold, "\(sluice.errors)")
            #expect(try ask(place, folder).contains("OCSP response: no response sent"))
            #expect(sluice.errors.contains("no OCSP response name=shop.test"), "\(sluice.errors)")
        }
    }
}
