/// Values on the command line: times, sizes, numbers, weights.
enum Quantity {
    /// "250ms", "5s", "2m", "1h": a day at most.
    static func duration(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number > 0 else { return nil }
        let factors: [Substring: Int64] = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let factor = factors[text.dropFirst(digits.count)] else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, milliseconds <= 86_400_000 else { return nil }
        return .milliseconds(milliseconds)
    }

    /// As the admin API wants it: "30s", "1500ms".
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return attoseconds == 0 ? "\(seconds)s" : "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms"
    }

    /// "512", "64KiB", "10MB", as in the configuration file.
    static func size(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let factors: [Substring: Int64] = [
            "": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824,
        ]
        guard let factor = factors[text.dropFirst(digits.count)] else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }

    /// "95" and "99.9" are numbers in proportion, "5%" a share.
    static func weight(_ text: String) -> JSONValue? {
        let isShare = text.hasSuffix("%")
        let digits = isShare ? text.dropLast() : text[...]
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in !part.isEmpty && part.allSatisfy { $0.isASCII && $0.isNumber } }
        guard (1...2).contains(parts.count), isPlain, digits.count <= 15, let number = Double(String(digits)) else { return nil }
        if isShare { return number <= 100 ? .string(text) : nil }
        // As written: a number's way through JSON and back could turn 0.000001 into 1e-06.
        return Int64(digits).map(JSONValue.integer) ?? .string(text)
    }
}
