/// When a target's checks begin. Pure and seeded: the same target gets the same times after a restart, different targets different ones,
/// so that checks of many targets do not fall on one moment.
package struct HealthSchedule: Sendable {
    /// No configuration can make a check run hot.
    package static let shortestInterval = Duration.milliseconds(10)
    /// Newcomers of one moment from which on their second checks are spread over the interval.
    package static let crowd = 16

    private enum Round { case first, second, later }

    private let interval: Duration
    private let isCrowded: Bool
    private var random: UInt64
    private var round = Round.first

    /// - Parameters:
    ///   - interval: from the start of one check to the start of the next.
    ///   - newcomers: targets whose checks begin at the same moment, this one included.
    package init(seed: UInt64, interval: Duration, newcomers: Int) {
        random = seed
        self.interval = max(interval, Self.shortestInterval)
        isCrowded = newcomers >= Self.crowd
    }

    /// From the start of the last check to the start of the next. Nothing before the first: a new target waits for it. Then the interval,
    /// a tenth more or less; but the second check of a crowd comes anywhere in the first interval, or all would go in step.
    package mutating func next() -> Duration {
        defer { round = round == .first ? .second : .later }
        switch round {
        case .first: return .zero
        case .second where isCrowded: return interval * (0.1 + unit())
        case .second, .later: return interval * (0.9 + 0.2 * unit())
        }
    }

    /// The same for the same texts on every machine (FNV-1a).
    package static func seed(_ texts: String...) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for text in texts {
            for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
            hash = (hash ^ 0xFF) &* 0x100_0000_01B3
        }
        return hash
    }

    // MARK: - Private

    /// 0..<1 (SplitMix64).
    private mutating func unit() -> Double {
        random &+= 0x9E37_79B9_7F4A_7C15
        var z = random
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) / Double(1 << 53)
    }
}
