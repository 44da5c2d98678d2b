import TestSupport
import Testing

/// The proofs of Tests/Proof in a few seconds each. `scripts/soak` plays them whole.
@Suite struct ProofTests {
    private static let folder = "\(#filePath)".split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Proof"

    private func prove(_ name: String, _ arguments: String...) throws {
        let proof = try Program.run(
            ["python3", "-B", "\(Self.folder)/\(name).py"] + arguments, within: .seconds(180),
            environment: ["SLUICE_BIN=\(SluiceProcess.binary)"])
        print("\(name): \(proof.output)")
        #expect(proof.exit == .code(0), "\(proof.output)\(proof.errors)")
    }

    @Test("a request sent after `flip` has returned never meets the old pool, and none fails")
    func cutover() throws { try prove("cutover", "--flips", "50", "--requests", "100") }

    @Test("under random commands, reloads and busy loops, the access log and the receipts tell one story")
    func history() throws { try prove("history", "--commands", "60") }

    @Test(
        "after kill -9 between any two instants of a command, the live state is that of the last acknowledged one, or of the one under way")
    func kills() throws { try prove("kills", "--commands", "60") }

    @Test("gRPC calls and streams go on over flips, splits, reloads, new certificates and upgrades: none fails")
    func grpcLoad() throws { try prove("grpc_load", "--rounds", "3") }

    @Test("gRPC clients that are asked to connect again at max_connection_age lose no call")
    func grpcAge() throws { try prove("grpc_load", "--rounds", "6", "--kinds", "flip", "--age", "1s") }
}
