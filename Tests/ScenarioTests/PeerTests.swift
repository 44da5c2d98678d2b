import TestSupport
import Testing

/// The scenes of Tests/Peers: clients and upstreams that were not written for these tests, in front of and behind the real binary. Each check of
/// a scene that fails is an issue of its own. By hand: `SLUICE_BIN=… python3 -B Tests/Peers/calls.py --front haproxy metadata`.
@Suite struct PeerTests {
    private static let folder = "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Peers"

    private func play(_ name: String, location: SourceLocation = #_sourceLocation) throws {
        let scene = try Program.run(
            ["python3", "-B", "-W", "ignore", "\(Self.folder)/\(name).py"], within: .seconds(150),
            environment: ["SLUICE_BIN=\(SluiceProcess.binary)"])
        let lines = scene.output.split(separator: "\n")
        for line in lines where line.hasPrefix("failed ") {
            Issue.record("\(name): \(line.dropFirst("failed ".count))", sourceLocation: location)
        }
        let isExplained = lines.contains { $0.hasPrefix("failed ") }
        #expect(
            scene.exit == .code(0) || isExplained, "\(name) ended with \(scene.exit): \(scene.errors.suffix(4000))",
            sourceLocation: location)
        #expect(lines.contains { $0.hasPrefix("ok ") }, "\(name) played nothing", sourceLocation: location)
    }

    @Test("gRPC: all kinds of calls and how they end, h2c to h2c, TLS to h2c, TLS to TLS")
    func calls() throws { try play("calls") }

    @Test("TLS towards clients: curl and openssl see the certificates, protocols, headers and ends that they should")
    func front() throws { try play("front") }

    @Test("TLS towards targets: who is trusted, who is not, and how connections are used again")
    func back() throws { try play("back") }

    @Test("HTTP/2 towards targets: refusals, GOAWAY, resets, windows, limits, PING, drains")
    func behind() throws { try play("behind") }

    @Test("WebSockets over TCP, TLS and HTTP/2")
    func webSockets() throws { try play("websocket") }

    @Test("the PROXY protocol, in from HAProxy and raw bytes, out to nginx")
    func proxyHeader() throws { try play("proxy_header") }
}
