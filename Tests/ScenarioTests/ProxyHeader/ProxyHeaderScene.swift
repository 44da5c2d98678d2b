import TestSupport

/// Headers as a balancer writes them.
enum Introduction {
    static let v1 = "PROXY TCP4 203.0.113.7 198.51.100.1 56324 443\r\n"
    static let v1Wide = "PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n"

    private static let signature = "\r\n\r\n\0\r\nQUIT\n"
    /// Of 203.0.113.7:56324 to 198.51.100.1:443, in Latin-1, with a TLV that nobody knows.
    static let v2 =
        signature + "\u{21}\u{11}\0\u{10}" + "\u{CB}\0\u{71}\u{07}" + "\u{C6}\u{33}\u{64}\u{01}" + "\u{DC}\u{04}\u{01}\u{BB}"
        + "\u{EE}\0\u{01}x"
    static let local = signature + "\u{20}\0\0\0"
}

/// A process whose listener `web` accepts PROXY headers.
func introducing(
    to targets: [Place], top: String = "", listener: String = "", pool: String = "", service: String = ""
) -> String {
    let list = targets.map { "\"\($0)\"" }.joined(separator: ", ")
    return """
        \(top)
        listeners: [{ name: web, bind: ["127.0.0.1:0"], proxy_protocol: true\(listener) }, { name: plain, bind: ["127.0.0.1:0"] }]
        services:
          shop:
            pools: { only: { targets: [\(list)]\(pool) } }
            \(service)
        """
}

extension SluiceProcess {
    /// The answer to these bytes, on a connection of their own.
    func say(_ bytes: String, to listener: String = "web") throws -> Answer {
        let client = try client(listener)
        return try client.ask(bytes)
    }

    /// Connections that were closed for their header, by /v1/status.
    func refusedHeaders() throws -> Int {
        try status()["workers"].items.reduce(0) { $0 + ($1["refused_proxy_headers"].int ?? 0) }
    }
}
