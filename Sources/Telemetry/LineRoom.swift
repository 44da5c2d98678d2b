/// How long a line and its parts may become. One line always fits one block: text is cut at these limits, as it stands in the log.
enum LineRoom {
    /// A byte becomes at most six (`\u00XX`).
    static let growth = 6
    static let target = 16 * 1024
    static let referer = 8 * 1024
    static let userAgent = 4 * 1024
    static let host = 2 * 1024
    static let requestID = 1024
    static let method = 256
    /// Names out of the configuration.
    static let name = 1024
    /// Longest form of an IPv6 address.
    static let address = 45
    /// Keys, punctuation, numbers at their longest, times, the address; and eight bytes that a `word` may write beyond its end.
    static let fixed = 1024
    /// The longest line.
    static let line = fixed + target + referer + userAgent + host + requestID + method + 6 * name

    /// Bytes that must be free before `record` is encoded; the line itself may be shorter.
    @inline(__always)
    static func needed(for record: borrowing AccessRecord) -> Int {
        let peers =
            record.requestID.count &+ record.method.count &+ record.target.count &+ record.host.count &+ record.userAgent.count
            &+ record.referer.count
        let names =
            record.listener.count &+ record.route.count &+ record.service.count &+ record.pool.count &+ record.rule.count
            &+ record.upstream.count
        return min((peers &+ names) &* growth &+ fixed, line)
    }
}
