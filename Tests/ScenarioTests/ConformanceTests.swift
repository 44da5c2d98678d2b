import TestSupport
import Testing

/// Tests/Conformance against the real binary: HTTP/2 frame by frame, attacked, and as ordinary clients speak it. By hand, on others too:
/// `SLUICE_BIN=… python3 -B Tests/Conformance/h2spec.py --server haproxy`.
@Suite struct ConformanceTests {
    private static let folder = "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Conformance"

    /// Each line of the program that begins with FAILED is an issue of its own.
    private func play(_ name: String, _ arguments: String..., location: SourceLocation = #_sourceLocation) throws {
        let run = try Program.run(
            ["python3", "-B", "\(Self.folder)/\(name).py"] + arguments, within: .seconds(240),
            environment: ["SLUICE_BIN=\(SluiceProcess.binary)"])
        let lines = run.output.split(separator: "\n")
        let failed = lines.filter { $0.hasPrefix("FAILED") }
        for line in failed { Issue.record("\(name): \(line)", sourceLocation: location) }
        #expect(
            run.exit == .code(0) || !failed.isEmpty, "\(name) ended with \(run.exit): \(run.errors.suffix(4000))", sourceLocation: location)
        #expect(lines.contains { $0.hasPrefix("ok") }, "\(name) played nothing", sourceLocation: location)
        print(lines.filter { !$0.hasPrefix("ok") }.joined(separator: "\n"))
    }

    @Test("every case of h2spec, over h2c and TLS", arguments: ["h2c", "tls"])
    func h2spec(shore: String) throws { try play("h2spec", "--exact", "--only", shore) }

    @Test("floods, bombs and slow clients end in time, cost little, and harm nobody else", arguments: ["h2c", "tls"])
    func attacks(shore: String) throws { try play("attacks", "--only", shore) }

    @Test("targets that speak HTTP/2 and break its rules cost one request each; what they refuse is sent again")
    func targets() throws { try play("targets") }

    @Test("curl, nghttp and h2load get what they ask for", arguments: ["h2c", "tls"])
    func clients(shore: String) throws { try play("clients", "--only", shore) }
}
