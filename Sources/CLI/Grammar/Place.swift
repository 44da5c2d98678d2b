/// SERVICE/POOL or SERVICE/POOL/ADDRESS. The address may have slashes of its own: "shop/blue/unix:/run/shop.sock".
struct Place: Equatable {
    var service: String
    var pool: String
    var address: String?

    init(_ text: String) throws(UsageError) {
        let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, !parts.contains("") else {
            throw UsageError("\(text) is not a target", hint: "SERVICE/POOL or SERVICE/POOL/ADDRESS, like shop/blue/10.0.0.11:8080")
        }
        service = parts[0]
        pool = parts[1]
        address = parts.count == 3 ? parts[2] : nil
    }

    /// Inside its service: "blue", "blue/10.0.0.11:8080".
    var inService: String { address.map { "\(pool)/\($0)" } ?? pool }
}
