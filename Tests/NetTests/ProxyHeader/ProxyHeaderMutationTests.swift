import Testing

@testable import Net

@Suite("PROXY header: hostile bytes")
struct ProxyHeaderMutationTests {
    private struct Dice {
        var state: UInt64
        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(sides))
        }
    }

    /// Whatever comes: no trap, a header lies within the bytes, and no byte behind it changes the verdict.
    private func judge(_ bytes: [UInt8]) {
        let progress = parse(bytes)
        switch progress {
        case .header(let header):
            #expect(header.length <= bytes.count && header.length > 0)
            #expect(parse(Array(bytes[..<header.length])) == progress)
            #expect(parse(Array(bytes[..<(header.length - 1)])) == .needMore)
        case .refused(let refusal):
            #expect(parse(bytes + [0, 13, 10]) == .refused(refusal))
        case .needMore: #expect(bytes.count < ProxyHeaderParser.greatestLength)
        }
    }

    @Test("mutated headers never trap, and are read the same with more bytes behind")
    func mutated() {
        let seed: UInt64 = 20_261_121
        print("seed \(seed)")
        var dice = Dice(state: seed)
        let samples = ProxyHeaderParserTests.good.map(\.0)
        let spice: [UInt8] = [0, 1, 9, 10, 13, 32, 48, 57, 58, 46, 80, 127, 128, 255, 0x20, 0x21, 0x11, 0x31]
        for _ in 0..<60_000 {
            var bytes = samples[dice.roll(samples.count)]
            for _ in 0...dice.roll(3) where !bytes.isEmpty {
                let at = dice.roll(bytes.count)
                switch dice.roll(5) {
                case 0: bytes[at] = spice[dice.roll(spice.count)]
                case 1: bytes[at] ^= UInt8(1 << dice.roll(8))
                case 2: bytes.remove(at: at)
                case 3: bytes.insert(spice[dice.roll(spice.count)], at: at)
                default: bytes.removeLast(dice.roll(bytes.count))
                }
            }
            judge(bytes)
        }
    }

    @Test("random bytes behind a good beginning never trap")
    func random() {
        let seed: UInt64 = 56_324
        print("seed \(seed)")
        var dice = Dice(state: seed)
        let beginnings = [Block2.signature + [0x21], Block2.signature + [0x21, 0x11, 0, 40], Array("PROXY TCP6 ".utf8), []]
        for _ in 0..<40_000 {
            let bytes = beginnings[dice.roll(beginnings.count)] + (0..<dice.roll(80)).map { _ in UInt8(dice.roll(256)) }
            judge(bytes)
        }
    }
}
