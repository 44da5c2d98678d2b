@testable internal import ControlPlane
internal import Testing

@Suite struct StatusReaderTests {
    private func read(_ text: String, inPartsOf size: Int = .max) -> StatusReader.Progress {
        var reader = StatusReader()
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let end = min(at + min(size, bytes.count), bytes.count)
            let progress = bytes[at..<end].withUnsafeBytes { reader.read($0) }
            if progress != .needMore { return progress }
            at = end
        }
        return .needMore
    }

    @Test(
        "a whole head tells its status, however it is cut",
        arguments: [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", .status(200)), ("HTTP/1.0 503 \r\n\r\n", .status(503)),
            ("HTTP/1.1 204\r\n\r\n", .status(204)), ("HTTP/1.1 200 OK\r\nA: b\r\n", .needMore), ("HTTP/1.1 20", .needMore),
            ("HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 500 No\r\n\r\n", .status(500)),
            ("HTTP/1.1 100 Continue\r\n\r\n", .needMore), ("HTTP/1.1 101 Switching\r\n\r\n", .status(101)),
            ("HTTP/1.1 200 OK\r\r\n\r\n", .status(200)), ("HTTP/1.1 200 OK\n\n", .needMore),
        ] as [(String, StatusReader.Progress)])
    func whole(text: String, expected: StatusReader.Progress) {
        for size in [1, 2, 3, 7, .max] { #expect(read(text, inPartsOf: size) == expected, "\(text.debugDescription) by \(size)") }
    }

    @Test(
        "what is no status line is found out at its first wrong byte",
        arguments: [
            "SSH-2.0", "http/1.1 200 OK", "HTTP/2 200", "HTTP/1.x 200", "HTTP/1.1  200", "HTTP/1.1 2000", "HTTP/1.1 099", "HTTP/1.1 600",
            "HTTP/1.1 2a0", "HTTP/1.1 200\n", "\r\nHTTP/1.1 200 OK", "\0",
        ])
    func garbage(text: String) {
        #expect(read(text) == .refused("no HTTP/1 answer"))
        #expect(read("HTTP/1.1 100 Continue\r\n\r\n" + text, inPartsOf: 1) == .refused("no HTTP/1 answer"))
    }

    @Test("a head without end is refused at the limit, interim ones counted in")
    func huge() {
        let line = "A: " + String(repeating: "b", count: 1021)
        #expect(read("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 70)) == .refused("head over 64 KiB"))
        #expect(read(String(repeating: "HTTP/1.1 103 Early Hints\r\n\r\n", count: 3000)) == .refused("head over 64 KiB"))
    }

    @Test("any bytes at all are read without a trap")
    func noise() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededBytes(seed: seed)
        for _ in 0..<5000 {
            var bytes = Array("HTTP/1.1 200 OK\r\nA: b\r\n\r\n".utf8)
            for _ in 0..<3 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
            var reader = StatusReader()
            switch bytes.withUnsafeBytes({ reader.read($0) }) {
            case .status(let status): #expect((100...599).contains(status), "seed \(seed)")
            case .needMore, .refused: break
            }
        }
    }
}

/// SplitMix64.
struct SeededBytes: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
