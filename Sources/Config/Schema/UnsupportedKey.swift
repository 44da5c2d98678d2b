/// A key of the contract whose function this version does not have. It is refused, never accepted and ignored.
///
/// This table is the whole list: to build such a key, delete its row and add it to its `SchemaKey`.
struct UnsupportedKey {
    /// What the key may say all the same, because it asks for nothing.
    enum Neutral {
        case nothing
        case zeroDuration
    }

    /// As in `SchemaKey.location`.
    let location: String
    let key: String
    var neutral = Neutral.nothing

    static let all: [UnsupportedKey] = [
        UnsupportedKey(location: ServiceKey.location, key: "passive"),
        UnsupportedKey(location: ServiceKey.location, key: "slow_start", neutral: .zeroDuration),
        UnsupportedKey(location: RetryKey.location, key: "budget"),
    ]

    static func keys(at location: String) -> [UnsupportedKey] {
        all.filter { $0.location == location }
    }
}
