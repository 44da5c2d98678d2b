/// Texts with a unit: `250ms`, `64KiB`.
enum Quantities {
    /// `250ms 5s 2m 1h`, or a bare `0`. Below one year.
    static func duration(_ text: String) throws(ScalarError) -> Duration {
        if text == "0" { return .zero }
        let (digits, unit) = split(text)
        let milliseconds: UInt64? =
            switch unit {
            case "ms": 1
            case "s": 1000
            case "m": 60_000
            case "h": 3_600_000
            default: nil
            }
        guard let count = wholeNumber(digits.utf8), let milliseconds else {
            throw ScalarError("\(quoted(text)) is not a duration", hint: durationHint(digits: digits, unit: unit))
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, let total = Int64(exactly: total), Duration.milliseconds(total) < Defaults.Bounds.duration else {
            throw ScalarError("\(quoted(text)) is longer than a year")
        }
        return .milliseconds(total)
    }

    /// `max-age` of HSTS (RFC 6797 §6.1.1): whole seconds, up to ten years, and here alone in days too: `365d`.
    static func hstsAge(_ text: String) throws(ScalarError) -> Duration {
        let bound = Defaults.Bounds.hstsMaxAge
        let (digits, unit) = split(text)
        let seconds: UInt64? =
            switch unit {
            case "s": 1
            case "m": 60
            case "h": 3600
            case "d": 86_400
            case "": text == "0" ? 1 : nil
            default: nil
            }
        guard let count = wholeNumber(digits.utf8), let seconds else {
            throw ScalarError(
                "\(quoted(text)) is not an age",
                hint: !digits.isEmpty && unit.isEmpty
                    ? "it needs a unit: \(digits)s, \(digits)d" : "write a whole number and a unit: 365d, 8760h, 31536000s")
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: seconds)
        guard !overflow, let total = Int64(exactly: total), .seconds(total) <= bound else {
            throw ScalarError("\(quoted(text)) is longer than ten years")
        }
        return .seconds(total)
    }

    /// Bytes: `64KiB` (1024), `10MB` (1000), or a bare number.
    static func size(_ text: String) throws(ScalarError) -> UInt64 {
        let (digits, unit) = split(text)
        guard let count = wholeNumber(digits.utf8), let factor = unitBytes(unit) else {
            let known = ["B", "KB", "KiB", "MB", "MiB", "GB", "GiB", "TB", "TiB"]
            // `64k` is the habit of other houses; say which of the two is meant instead of guessing.
            let meant =
                known.first { asciiLowercased($0) == asciiLowercased(unit) } ?? (unit.utf8.count == 1 ? unit.uppercased() + "iB" : nil)
            let written = meant.flatMap { known.contains($0) && !digits.isEmpty ? "\(digits)\($0)" : nil }
            throw ScalarError("\(quoted(text)) is not a size", hint: "write \(written ?? "64KiB, 10MB, 1GiB"), or a number of bytes")
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow, total <= UInt64(Int64.max) else { throw ScalarError("\(quoted(text)) is too large") }
        return total
    }

    // MARK: - Private

    private static func split(_ text: String) -> (digits: String, unit: String) {
        let digits = text.utf8.prefix { $0.isASCIIDigit }
        return (String(Substring(digits)), String(Substring(text.utf8[digits.endIndex...])))
    }

    private static func durationHint(digits: String, unit: String) -> String {
        if !digits.isEmpty, unit.isEmpty { return "it needs a unit: \(digits)s, \(digits)ms" }
        return "write a whole number and a unit: 250ms, 5s, 2m, 1h"
    }

    private static func unitBytes(_ unit: String) -> UInt64? {
        switch unit {
        case "", "B": 1
        case "KB": 1000
        case "MB": 1_000_000
        case "GB": 1_000_000_000
        case "TB": 1_000_000_000_000
        case "KiB": 1 << 10
        case "MiB": 1 << 20
        case "GiB": 1 << 30
        case "TiB": 1 << 40
        default: nil
        }
    }
}
