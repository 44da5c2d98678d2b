/// A split as an operator orders it ("blue" = "95", "green" = "5%") in parts per million, by the rules of the configuration's `split`.
package enum SplitWeights {
    package enum Refusal: Error, Equatable, Sendable {
        case unknownPool(String)
        /// Neither a number such as 95 or 0.5 nor a percentage such as 99.9%.
        case notAWeight(pool: String, text: String)
        /// Nine before the point and six behind it are the most.
        case tooManyDigits(pool: String, text: String)
        /// Percentages beside plain numbers.
        case mixed
        /// In millionths of a percent.
        case percentagesSum(to: UInt64)
        case noTraffic
        case tooManyPools
    }

    /// More pools than that cannot share: as in the configuration.
    package static let mostPools = 1000
    private static let whole: UInt64 = 1_000_000

    /// - Parameters:
    ///   - weights: by pool; a pool left out gets nothing.
    ///   - pools: the service's, in the file's order.
    /// - Returns: the pools that get traffic, in the file's order; they sum to exactly 1 000 000, and each has at least 1.
    package static func shares(_ weights: [String: String], among pools: [String]) throws(Refusal) -> [ServiceRelease.Share] {
        if let stranger = weights.keys.filter({ !pools.contains($0) }).min() { throw .unknownPool(stranger) }
        var millionths: [UInt64] = []
        var percentages = 0
        for pool in pools {
            guard let text = weights[pool] else {
                millionths.append(0)
                continue
            }
            let weight = try parse(text, of: pool)
            millionths.append(weight.millionths)
            if weight.isPercentage { percentages += 1 }
        }
        if percentages > 0 {
            guard percentages == weights.count else { throw .mixed }
            let sum = millionths.reduce(UInt64(0), saturatingSum)
            guard sum == 100 * whole else { throw .percentagesSum(to: sum) }
        }
        guard millionths.contains(where: { $0 > 0 }) else { throw .noTraffic }
        guard let parts = partsPerMillion(millionths) else { throw .tooManyPools }
        return zip(pools, parts).compactMap { $1 > 0 ? .init(pool: $0, partsPerMillion: $1) : nil }
    }

    // MARK: - Private

    private static func parse(_ text: String, of pool: String) throws(Refusal) -> (millionths: UInt64, isPercentage: Bool) {
        var digits = text.utf8[...]
        let isPercentage = digits.last == UInt8(ascii: "%")
        if isPercentage { digits = digits.dropLast() }
        let units = digits.prefix { $0 != UInt8(ascii: ".") }
        let fraction = digits[units.endIndex...].dropFirst()
        let hasPoint = units.endIndex != digits.endIndex
        guard areDigits(units), !hasPoint || areDigits(fraction) else { throw .notAWeight(pool: pool, text: text) }
        guard units.count <= 9, fraction.count <= 6 else { throw .tooManyDigits(pool: pool, text: text) }
        // At most fifteen digits, so nothing overflows.
        var millionths: UInt64 = 0
        for digit in units { millionths = millionths * 10 + UInt64(digit - UInt8(ascii: "0")) }
        for digit in fraction { millionths = millionths * 10 + UInt64(digit - UInt8(ascii: "0")) }
        for _ in fraction.count..<6 { millionths *= 10 }
        return (millionths, isPercentage)
    }

    private static func areDigits(_ text: Substring.UTF8View) -> Bool {
        !text.isEmpty && text.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    }

    private static func saturatingSum(_ one: UInt64, _ other: UInt64) -> UInt64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// By largest remainder (the first of equals wins); who has a weight gets at least one part, from who has most.
    private static func partsPerMillion(_ weights: [UInt64]) -> [UInt32]? {
        let total = weights.reduce(UInt64(0), saturatingSum)
        guard total > 0, total < .max, weights.count <= mostPools else { return nil }
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
