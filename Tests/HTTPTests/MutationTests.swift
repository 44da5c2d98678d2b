import Testing

@testable import HTTP

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func mutate(_ bytes: inout [UInt8]) {
        let spice = Array("\r\n\r\n:; \t,\u{0}\u{7f}0fF;\"\\=[]@/?#%".utf8) + [0xff, 0x80]
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            let other = Int.random(in: 0..<bytes.count, using: &self)
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[index] = UInt8.random(in: 0...255, using: &self)
            case 1: bytes[index] = spice.randomElement(using: &self) ?? 0
            case 2: bytes.insert(spice.randomElement(using: &self) ?? 0, at: index)
            case 3: bytes.remove(at: index)
            case 4: bytes.swapAt(index, other)
            default: bytes.insert(contentsOf: bytes[min(index, other)..<min(max(index, other), min(index, other) + 60)], at: index)
            }
        }
    }

    mutating func cuts(_ count: Int) -> [Int] {
        (0..<Int.random(in: 0...12, using: &self)).map { _ in Int.random(in: 0...count, using: &self) }.sorted()
    }
}

/// What a careful reader would call the field lines of an accepted head, by the plainest means.
private func plainLines(_ bytes: ArraySlice<UInt8>) -> [(name: [UInt8], value: [UInt8])]? {
    var (lines, line, index) = ([[UInt8]](), [UInt8](), bytes.startIndex)
    while index < bytes.endIndex {
        if bytes[index] == 13 {
            guard index + 1 < bytes.endIndex, bytes[index + 1] == 10 else { return nil }
            lines.append(line)
            line = []
            index += 2
        } else {
            guard bytes[index] != 10, bytes[index] != 0 else { return nil }
            line.append(bytes[index])
            index += 1
        }
    }
    guard lines.last == [], line.isEmpty else { return nil }
    return lines.dropLast().map { line in
        let colon = line.firstIndex(of: 0x3a) ?? line.endIndex
        let isSpace: (UInt8) -> Bool = { $0 == 32 || $0 == 9 }
        return (Array(line[..<colon]), Array(line[colon...].dropFirst().drop(while: isSpace).reversed().drop(while: isSpace).reversed()))
    }
}

/// RFC 9112 §7.1 read the plain way, with all bytes at hand; nil when something is missing or wrong.
private func plainDechunk(_ bytes: [UInt8]) -> (data: [UInt8], end: Int)? {
    var (index, data) = (0, [UInt8]())
    while let end = bytes[index...].firstIndex(of: 10), end > index, bytes[end - 1] == 13 {
        let digits = String(decoding: bytes[index..<end - 1].prefix { $0 != 0x3b }, as: UTF8.self)
        guard let size = Int(digits, radix: 16), digits.allSatisfy(\.isHexDigit), digits.utf8.count <= 16 else { return nil }
        index = end + 1
        if size == 0 { return (data, index) }
        guard size <= bytes.count - index - 2, bytes[index + size] == 13, bytes[index + size + 1] == 10 else { return nil }
        data += bytes[index..<index + size]
        index += size + 2
        guard index < bytes.count else { return nil }
    }
    return nil
}

@Suite("Random changes to the corpus")
struct MutationTests {
    private static let seeds: [UInt64] = [1, 2, UInt64.random(in: 3...UInt64.max)]

    @Test("whole and cut requests agree, and what is accepted reads the same the plain way", arguments: seeds)
    func requests(seed: UInt64) throws {
        print("mutated requests: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let samples = Sample.all("request")
        for _ in 0..<4000 {
            var bytes = try #require(samples.randomElement(using: &random)).bytes
            random.mutate(&bytes)
            let whole = requestVerdict(bytes)
            // What is refused for bytes that came is refused no later than at the head's end.
            if whole != .needMore { bytes += Array("\r\n\r\n".utf8) }
            #expect(requestVerdict(bytes, cuts: random.cuts(bytes.count)) == whole, "seed \(seed): \(bytes)")
            var (parser, fields) = (RequestParser(), FieldTable(capacity: 128))
            guard case .head(let head) = bytes.withUnsafeBytes({ parser.parse($0, into: fields, limits: roomy) }) else { continue }
            let lines = try #require(plainLines(bytes[Int(head.fieldsStart)..<head.length]), "seed \(seed): \(bytes)")
            #expect(lines.count == fields.count)
            for (index, line) in lines.enumerated() {
                let field = fields[index]
                #expect(line.name == Array(bytes[Int(field.start)..<Int(field.nameRange.end)]), "seed \(seed): \(bytes)")
                #expect(line.value == Array(bytes[Int(field.valueStart)..<Int(field.valueEnd)]), "seed \(seed): \(bytes)")
            }
            let lengths = lines.filter { String(decoding: $0.name, as: UTF8.self).lowercased() == "content-length" }
            let codings = lines.filter { String(decoding: $0.name, as: UTF8.self).lowercased() == "transfer-encoding" }
            #expect(lengths.count + codings.count <= 1, "seed \(seed): \(bytes)")
            if let length = lengths.first {
                #expect(head.framing == .length(UInt64(String(decoding: length.value, as: UTF8.self)) ?? .max))
            }
            #expect(codings.isEmpty == (head.framing != .chunked), "seed \(seed): \(bytes)")
        }
    }

    @Test("whole and cut responses agree", arguments: seeds)
    func responses(seed: UInt64) throws {
        print("mutated responses: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let samples = Sample.all("response")
        for _ in 0..<4000 {
            var bytes = try #require(samples.randomElement(using: &random)).bytes
            random.mutate(&bytes)
            let method: HTTP.Method = Bool.random(using: &random) ? .head : .get
            let whole = responseVerdict(bytes, to: method)
            if whole != .needMore { bytes += Array("\r\n\r\n".utf8) }
            #expect(responseVerdict(bytes, to: method, cuts: random.cuts(bytes.count)) == whole, "seed \(seed): \(bytes)")
        }
    }

    @Test("whole and cut chunked bodies agree, and what is accepted reads the same the plain way", arguments: seeds)
    func chunked(seed: UInt64) throws {
        print("mutated chunked bodies: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let samples = Sample.all("chunked")
        for _ in 0..<6000 {
            var bytes = try #require(samples.randomElement(using: &random)).bytes
            random.mutate(&bytes)
            let whole = dechunk(bytes)
            if whole.verdict != .needMore { bytes += Array("\r\n\r\n".utf8) }
            let split = dechunk(bytes, cuts: random.cuts(bytes.count))
            #expect(split.verdict == whole.verdict, "seed \(seed): \(bytes)")
            guard whole.verdict.isAccepted else { continue }
            #expect(split.body == whole.body, "seed \(seed): \(bytes)")
            let plain = try #require(plainDechunk(bytes), "seed \(seed): \(bytes)")
            #expect(
                plain.data == whole.body.data && plain.end + whole.body.trailers.count + 2 == whole.body.length, "seed \(seed): \(bytes)")
        }
    }

    @Test("a dribbled head of 64 KiB costs few whole parses")
    func dribble() {
        var progress = HeadProgress()
        let bytes = Array("GET / HTTP/1.1\r\n".utf8) + Array(repeating: Array("X: 1\r\n".utf8), count: 10_000).flatMap { $0 }
        var parses = 0
        for end in 1...bytes.count {
            bytes[..<end].withUnsafeBytes { buffer in
                let octets = Octets(buffer)
                guard progress.isWorthParsing(octets, isFull: false) else { return }
                parses += 1
                progress.wasIncomplete(octets)
            }
        }
        #expect(parses <= 18)
    }
}
