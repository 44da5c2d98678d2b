import Glibc
import Testing

@testable import Config

/// Nothing that a file says may trap the process: whatever it is, there is an answer.
@Suite struct MutationTests {
    private static let samples: [[UInt8]] = ["full", "canary", "tls"].compactMap { name in
        guard let file = fopen("\(repository)/conf/\(name).yaml", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    /// An answer is whole: valid, or at least one error with a place inside the file.
    private func isAnswered(_ text: [UInt8]) -> Bool {
        let lines = text.count { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } + 1
        switch ConfigurationFile.parse(text: text, file: "m", environment: ["A": "1"]) {
        case .valid: return true
        case .invalid(let diagnostics):
            return diagnostics.contains { $0.severity == .error }
                && diagnostics.allSatisfy { $0.line >= 1 && $0.column >= 1 && $0.line <= lines + 1 }
        }
    }

    @Test("every truncation is answered")
    func truncations() throws {
        let full = try #require(Self.samples.first)
        for length in 0..<full.count {
            #expect(isAnswered(Array(full[..<length])), "length \(length)")
        }
    }

    @Test("any mutation is answered", arguments: [UInt64(1), 2, 3, 4])
    func mutations(seed: UInt64) throws {
        print("seed \(seed)")
        var random = Seeded(seed)
        let pieces = [
            "{", "}", "[", "]", ":", "\n", " ", "- ", "&a ", "*a", "!!x ", "\"", "'", "${", "${A}", "${A:-", "99999999999999999999", "-1",
            "%", "0", "~", "|\n", "\u{0}", "\u{feff}", "é", "#", "---\n", "? ", "\t",
        ]
        .map { Array($0.utf8) }
        for round in 0..<800 {
            var text = try #require(Self.samples.randomElement(using: &random))
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let at = Int.random(in: 0..<max(1, text.count), using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0: text[at] = UInt8.random(in: 0...255, using: &random)
                case 1: text.remove(at: at)
                case 2: text.insert(contentsOf: try #require(pieces.randomElement(using: &random)), at: at)
                case 3: text.removeSubrange(at..<min(text.count, at + Int.random(in: 1...40, using: &random)))
                default:
                    let from = Int.random(in: 0..<text.count, using: &random)
                    text.insert(contentsOf: Array(text[from..<min(text.count, from + 60)]), at: at)
                }
                if text.isEmpty { break }
            }
            #expect(isAnswered(text), "seed \(seed) round \(round)")
        }
    }

    @Test("any bytes in a scalar's place are answered", arguments: [UInt64(11), 12])
    func scalars(seed: UInt64) {
        print("seed \(seed)")
        var random = Seeded(seed)
        let alphabet = Array("0123456789.%:/[]{}$-_*@ahKMiBsx \\\u{301}é٣unix:")
        for round in 0..<800 {
            let text = String((0..<Int.random(in: 0...14, using: &random)).compactMap { _ in alphabet.randomElement(using: &random) })
            let scalar = "'\(text)'"
            let all = """
                workers: \(scalar)
                admin: { socket: \(scalar) }
                trusted_proxies: [\(scalar)]
                defaults: { timeouts: { idle: \(scalar) }, limits: { body_bytes: \(scalar) }, http2: { stream_window: \(scalar) } }
                listeners: [{ name: \(scalar), bind: [\(scalar)], protocols: [\(scalar)], redirect_to_https: \(scalar), tls: {
                  certificates: [{ cert: \(scalar), key: \(scalar) }], min_version: \(scalar), hsts: { max_age: \(scalar) } } }]
                routes: [{ match: { hosts: [\(scalar)], path: \(scalar), methods: [\(scalar)] }, redirect: { to: \(scalar) }, rewrite_host: \(scalar) }]
                services: { s: { pools: { b: { targets: [\(scalar)], protocol: \(scalar), tls: { server_name: \(scalar) } } }, split: { b: \(scalar) } } }
                """
            #expect(isAnswered(Array(all.utf8)), "seed \(seed) round \(round): \(text)")
        }
    }
}
