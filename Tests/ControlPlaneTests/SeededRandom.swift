/// SplitMix64; prints its seed so that a failure can be repeated.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    static func announced(_ purpose: String) -> SeededRandom {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("\(purpose): seed \(seed)")
        return SeededRandom(state: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
