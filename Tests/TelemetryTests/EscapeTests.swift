import Testing

@testable import Telemetry

@Suite("Escaping of what peers send") struct EscapeTests {
    /// What a JSON reader must get back: valid UTF-8 as it is, every other byte as the character of its number.
    private func expected(_ bytes: [UInt8]) -> [Unicode.Scalar] {
        var scalars: [Unicode.Scalar] = []
        var index = 0
        while index < bytes.count {
            let length = (1...4).first { index + $0 <= bytes.count && isOneCharacter(bytes[index..<index + $0]) }
            if let length, let scalar = String(decoding: bytes[index..<index + length], as: UTF8.self).unicodeScalars.first {
                scalars.append(scalar)
                index += length
            } else {
                scalars.append(Unicode.Scalar(bytes[index]))
                index += 1
            }
        }
        return scalars
    }

    private func isOneCharacter(_ bytes: ArraySlice<UInt8>) -> Bool {
        String(validating: bytes, as: UTF8.self)?.unicodeScalars.count == 1
    }

    private func target(_ bytes: [UInt8]) -> FlatJSON.Value? {
        let fixture = RecordFixture()
        var record = AccessRecord()
        record.target = fixture.bytes(bytes)
        return FlatJSON(encoded(record, .json).dropLast())?["target"]
    }

    @Test("any bytes give a line of valid JSON that reads back as they were") func property() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        let pieces: [[UInt8]] = [
            [0x22], [0x5C], [0x0A], [0], [0x1F], [0x7F], [0x80], [0xC0, 0x80], [0xC3, 0xA9], [0xE2, 0x82, 0xAC], [0xE2, 0x82],
            [0xED, 0xA0, 0x80],
            [0xF0, 0x9F, 0x98, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8], [0xFF], Array("plain text of some length".utf8), [0x61], [0x2F],
        ]
        for round in 0..<4000 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                bytes +=
                    Bool.random(using: &random)
                    ? pieces.randomElement(using: &random) ?? [] : [UInt8.random(in: 0 ... .max, using: &random)]
            }
            guard target(bytes) == .text(expected(bytes)) else {
                Issue.record("seed \(seed), round \(round): \(bytes)")
                return
            }
        }
    }

    @Test("a byte that needs escaping is found at every place of every length") func everyPlace() {
        for dirty in [0x22, 0x5C, 0x00, 0x1F, 0x7F, 0x80, 0xFF] as [UInt8] {
            for length in 1...26 {
                for place in 0..<length {
                    var bytes = [UInt8](repeating: 0x21, count: length)
                    bytes[place] = dirty
                    #expect(target(bytes) == .text(expected(bytes)), "\(dirty) at \(place) of \(length)")
                }
            }
        }
    }

    @Test("the combined format escapes as nginx does") func combined() {
        let fixture = RecordFixture()
        var record = fixture.record()
        record.method = fixture.text("GET")
        record.target = fixture.bytes(Array("/\"\\".utf8) + [0x0A, 0x7F, 0xC3, 0xA9])
        record.userAgent = fixture.bytes([0x1B, 0x5B, 0x6D])
        let line = String(decoding: encoded(record, .combined), as: UTF8.self)
        #expect(line.contains("\"GET /\\x22\\x5C\\x0A\\x7F\\xC3\\xA9 HTTP/1.1\""))
        #expect(line.hasSuffix("\"\\x1B[m\"\n"))
    }

    @Test("text beyond its limit is cut, marked, and still valid", arguments: [0x61, 0x22, 0x01, 0xC3] as [UInt8])
    func cut(_ filler: UInt8) throws {
        let fixture = RecordFixture()
        let long = fixture.bytes([UInt8](repeating: filler, count: 300_000))
        var record = fixture.record()
        (record.requestID, record.method, record.target, record.host, record.userAgent, record.referer) = (
            long, long, long, long, long, long
        )
        (record.listener, record.route, record.service, record.pool, record.rule, record.upstream) = (long, long, long, long, long, long)
        #expect(LineRoom.needed(for: record) == LineRoom.line)
        let line = encoded(record, .json)
        #expect(line.count <= LineRoom.line)
        let json = try #require(FlatJSON(line.dropLast()))
        for key in ["request_id", "method", "target", "host", "user_agent", "referer", "listener", "upstream"] {
            guard case .text(let scalars)? = json[key] else {
                Issue.record("no \(key)")
                continue
            }
            #expect(scalars.last == "…")
        }
        #expect(encoded(record, .combined).count <= LineRoom.line)
    }

    @Test("the room asked for always suffices") func room() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let fixture = RecordFixture()
            var record = fixture.record()
            let length = Int.random(in: 0...5000, using: &random)
            record.target = fixture.bytes([UInt8](repeating: [0x00, 0x61, 0x22].randomElement(using: &random) ?? 0, count: length))
            let needed = LineRoom.needed(for: record)
            #expect(encoded(record, .json).count <= needed, "seed \(seed)")
            #expect(encoded(record, .combined).count <= needed, "seed \(seed)")
        }
    }
}
