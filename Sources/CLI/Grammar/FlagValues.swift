/// The values of flags, typed; what does not fit is a usage error that names the flag.
struct FlagValues {
    private let parsed: ArgumentParser.Parsed

    init(_ parsed: ArgumentParser.Parsed) { self.parsed = parsed }

    func duration(_ flag: String) throws(UsageError) -> Duration? {
        guard let text = parsed.value(flag) else { return nil }
        guard let duration = Quantity.duration(text) else {
            throw UsageError("\(flag) \(text) is not a duration", hint: "like 500ms, 30s, 2m")
        }
        return duration
    }

    func number(_ flag: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = parsed.value(flag) else { return nil }
        return try Self.number(text, range, named: flag)
    }

    static func number(_ text: String, _ range: ClosedRange<Int>, named name: String) throws(UsageError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            let limit = range.upperBound == .max ? "\(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
            throw UsageError("\(name) \(text) is not a number for that", hint: "a whole number, \(limit)")
        }
        return number
    }

    func size(_ flag: String) throws(UsageError) -> Int64? {
        guard let text = parsed.value(flag) else { return nil }
        guard let size = Quantity.size(text) else { throw UsageError("\(flag) \(text) is not a size", hint: "like 512, 64KiB, 10MB") }
        return size
    }
}
