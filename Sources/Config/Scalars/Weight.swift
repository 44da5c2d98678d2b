/// One weight of a split as written: a number in proportion, or a percentage.
struct Weight: Equatable {
    /// Millionths of the number, so that decimals are exact.
    var millionths: UInt64
    var isPercentage: Bool

    /// `95`, `0.5`, `99.9%`. Up to nine digits before the point and six behind it.
    static func parse(_ text: String) throws(ScalarError) -> Weight {
        var digits = text.utf8[...]
        let isPercentage = digits.last == UInt8(ascii: "%")
        if isPercentage { digits = digits.dropLast() }
        let whole = digits.prefix { $0 != UInt8(ascii: ".") }
        let fraction = digits[whole.endIndex...].dropFirst()
        let hasPoint = whole.endIndex != digits.endIndex
        guard let units = wholeNumber(whole), !hasPoint || wholeNumber(fraction) != nil else {
            throw ScalarError(
                "\(quoted(text)) is not a weight", hint: "write a number such as 95 or 0.5, or a percentage such as \"99.9%\"")
        }
        guard whole.count <= 9, fraction.count <= 6 else {
            throw ScalarError(
                "\(quoted(text)) has too many digits", hint: "nine before the point and six behind it are enough for 1 in a million")
        }
        var millionths = wholeNumber(fraction) ?? 0
        for _ in fraction.count..<6 { millionths *= 10 }
        return Weight(millionths: units * 1_000_000 + millionths, isPercentage: isPercentage)
    }
}

/// From weights to parts per million.
enum Shares {
    static let whole: UInt64 = 1_000_000

    /// Whole parts per million in proportion to `weights`, by largest remainder (the first of equals wins). They sum to exactly
    /// 1 000 000, and a weight above zero gets at least one part. Nil when all weights are zero, or too many or too large to share.
    static func partsPerMillion(_ weights: [UInt64]) -> [UInt32]? {
        var total: UInt64 = 0
        for weight in weights {
            let (sum, overflow) = total.addingReportingOverflow(weight)
            guard !overflow else { return nil }
            total = sum
        }
        guard total > 0, weights.count <= Defaults.Bounds.sharedPools else { return nil }

        // The quotient fits: no weight is above the total, so none is above 1 000 000.
        let divided = weights.map { total.dividingFullWidth($0.multipliedFullWidth(by: whole)) }
        var parts = divided.map(\.quotient)
        let missing = Int(whole - parts.reduce(0, +))
        let byRemainder = divided.indices.sorted { (divided[$1].remainder, $0) < (divided[$0].remainder, $1) }
        for index in byRemainder.prefix(missing) { parts[index] += 1 }

        for index in parts.indices where weights[index] > 0 && parts[index] == 0 {
            guard let largest = parts.indices.max(by: { (parts[$0], $1) < (parts[$1], $0) }), parts[largest] > 1 else { return nil }
            parts[largest] -= 1
            parts[index] = 1
        }
        return parts.map { UInt32(clamping: $0) }
    }
}
