/// A key of the contract whose function this version does not have. It is refused, never accepted and ignored.
///
/// This table is the whole list: to build such a key, delete its row and add it to its `SchemaKey`.
struct UnsupportedKey {
    /// What the key may say all the same, because it asks for nothing.
    enum Neutral {
        case nothing
        case null
        case zeroDuration
        /// A word, beside the words that a later version will know.
        case word(String, later: [String])
        /// The same in a list.
        case words(String, later: [String])
    }

    /// As in `SchemaKey.location`.
    let location: String
    let key: String
    var neutral = Neutral.nothing

    static let all: [UnsupportedKey] = [
        UnsupportedKey(location: ListenerKey.location, key: "proxy_protocol", neutral: .word("false", later: ["true"])),
        UnsupportedKey(location: ListenerKey.location, key: "protocols", neutral: .words("http/1.1", later: ["h2", "h2c"])),
        UnsupportedKey(location: ListenerKey.location, key: "tls", neutral: .null),
        UnsupportedKey(location: PoolKey.location, key: "protocol", neutral: .word("http1", later: ["h2c", "h2"])),
        UnsupportedKey(location: PoolKey.location, key: "tls", neutral: .null),
        UnsupportedKey(location: ServiceKey.location, key: "passive"),
        UnsupportedKey(location: ServiceKey.location, key: "slow_start", neutral: .zeroDuration),
        UnsupportedKey(location: RetryKey.location, key: "budget"),
    ]

    static func keys(at location: String) -> [UnsupportedKey] {
        all.filter { $0.location == location }
    }
}
