import Glibc
import TestSupport
import Testing

/// A process with a listener that speaks TLS, and the authority that its clients trust.
struct SecureStage {
    let folder: TemporaryFolder
    let origin: ScriptedUpstream
    let sluice: SluiceProcess
    let place: Place

    /// Certificates "shop" and "next" for shop.test, "other" for other.test; files "web.crt" and "web.key" begin as "shop".
    init(
        tls: String = "", workers: Int = 2, wrapper: [String] = [],
        _ script: @escaping ScriptedUpstream.Script = ScriptedUpstream.answering("ok")
    ) throws {
        folder = try TemporaryFolder()
        _ = try TestCertificate.make("ca", in: folder)
        for (name, host) in [("shop", "shop.test"), ("next", "shop.test"), ("other", "other.test")] {
            _ = try TestCertificate.make(name, "DNS:\(host)", by: "ca", days: 30, in: folder)
        }
        for ending in ["crt", "key"] { try write(text(of: folder["shop.\(ending)"]), to: folder["web.\(ending)"]) }
        origin = try ScriptedUpstream(script)
        sluice = try SluiceProcess(Self.yaml(folder, origin.place, tls), workers: workers, wrapper: wrapper)
        place = try sluice.place()
    }

    static func yaml(_ folder: TemporaryFolder, _ origin: Place, _ tls: String = "") -> String {
        """
        listeners:
          - name: web
            bind: ["127.0.0.1:0"]
            tls:
              certificates:
                - { cert: \(folder["web.crt"]), key: \(folder["web.key"]) }
                - { cert: \(folder["other.crt"]), key: \(folder["other.key"]) }
              \(tls)
        services: { shop: { pools: { only: { targets: ["\(origin)"] } } } }
        """
    }

    /// Puts another certificate where the listener has its own.
    func install(_ name: String, _ endings: [String] = ["crt", "key"]) throws {
        for ending in endings { try write(text(of: folder["\(name).\(ending)"]), to: folder["web.\(ending)"]) }
    }

    /// The words for `openssl s_client`, which verifies.
    func client(_ host: String, _ words: [String] = []) -> String {
        "openssl s_client -connect \(place) -CAfile \(folder["ca.crt"]) -verify_return_error -servername \(host) -verify_hostname \(host) "
            + "-alpn http/1.1 -ign_eof \(words.joined(separator: " "))"
    }

    static func request(_ host: String, _ fields: String = "Connection: close\\r\\n") -> String {
        "printf 'GET / HTTP/1.1\\r\\nHost: \(host)\\r\\n\(fields)\\r\\n'"
    }

    /// One request on a connection of its own; what s_client says of it.
    func ask(_ host: String = "shop.test", _ words: String...) throws -> String {
        let result = try Program.run(["sh", "-c", "\(Self.request(host)) | \(client(host, words))"])
        return result.output + result.errors
    }

    /// What the status says of the listener.
    func listener() throws -> JSON { try sluice.status()["listeners"].items.first ?? .null }
}
