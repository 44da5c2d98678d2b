extension Decoder {
    /// The shares of a service's pools, in the pools' order. Without a `split` a single pool gets all.
    func split(_ field: Field?, among pools: [String], of service: Node.Entry) -> [PoolShare]? {
        guard let field else {
            if let only = pools.first, pools.count == 1 { return [PoolShare(pool: only, partsPerMillion: UInt32(Shares.whole))] }
            let example = pools.first ?? "blue"
            findings.error(
                "the service \(quoted(service.key)) has \(pools.count) pools and no `split`", at: service.keyPlace,
                hint: "write split: { \(example): 100 }")
            return nil
        }
        guard let entries = entries(of: field), let weights = weights(entries, among: pools) else { return nil }
        let ordered = pools.map { weights[$0]?.millionths ?? 0 }
        guard let parts = Shares.partsPerMillion(ordered) else {
            let isZero = ordered.allSatisfy { $0 == 0 }
            let example = pools.first ?? "blue"
            findings.error(
                isZero ? "`split` gives no pool any traffic" : "`split` cannot be shared out", at: field.node.place,
                hint: isZero ? "write split: { \(example): 100 }" : "at most \(Defaults.Bounds.sharedPools) pools share one service")
            return nil
        }
        return zip(pools, parts).compactMap { $1 > 0 ? PoolShare(pool: $0, partsPerMillion: $1) : nil }
    }

    // MARK: - Private

    private func weights(_ entries: [Node.Entry], among pools: [String]) -> [String: Weight]? {
        var weights: [String: Weight] = [:]
        var isWhole = true
        let known = Set(pools)
        for entry in entries {
            guard known.contains(entry.key) else {
                findings.error(
                    "no pool \(quoted(entry.key)) in this service", at: entry.keyPlace, hint: Suggestion.hint(for: entry.key, among: pools))
                isWhole = false
                continue
            }
            guard let weight = value(entry.field, { text throws(ScalarError) in try Weight.parse(text) }) else {
                isWhole = false
                continue
            }
            weights[entry.key] = weight
        }
        guard isWhole, arePercentagesSound(weights, entries) else { return nil }
        return weights
    }

    /// Percentages say how much of the whole, so they cannot stand beside plain numbers and must make up the whole.
    private func arePercentagesSound(_ weights: [String: Weight], _ entries: [Node.Entry]) -> Bool {
        guard let first = entries.first, weights.values.contains(where: \.isPercentage) else { return true }
        if let plain = entries.first(where: { weights[$0.key]?.isPercentage == false }) {
            findings.error("percentages and plain numbers are mixed", at: plain.value.place, hint: "write all of them with `%`, or none")
            return false
        }
        let sum = weights.values.reduce(UInt64(0)) { sum, weight in
            let (next, overflow) = sum.addingReportingOverflow(weight.millionths)
            return overflow ? .max : next
        }
        guard sum == 100_000_000 else {
            findings.error("the percentages do not sum to 100 %", at: first.keyPlace, hint: "they sum to \(Self.percent(sum)) %")
            return false
        }
        return true
    }

    private static func percent(_ millionths: UInt64) -> String {
        let fraction = millionths % 1_000_000
        guard fraction > 0 else { return "\(millionths / 1_000_000)" }
        var digits = String(String(1_000_000 + fraction).dropFirst())
        while digits.last == "0" { digits.removeLast() }
        return "\(millionths / 1_000_000).\(digits)"
    }
}
