extension Decoder {
    func health(_ field: Field) -> HealthConfiguration? {
        guard let fields = fields(of: field, as: HealthKey.self) else { return nil }
        var health = HealthConfiguration()
        for (key, entry) in fields {
            switch key {
            case .protocol:
                let checks: KeyValuePairs<String, HealthConfiguration.Check> = ["http": .http, "tcp": .tcp, "grpc": .grpc]
                store(choice(entry.field, checks), in: &health.check)
            case .path: store(value(entry.field) { text throws(ScalarError) in try HTTPText.pathAndQuery(text) }, in: &health.path)
            case .host: store(optional(entry.field) { text throws(ScalarError) in try HostText.authority(text) }, in: &health.host)
            case .expect: store(statuses(entry.field), in: &health.expect)
            case .service: store(value(entry.field, Self.callee(_:)), in: &health.service)
            case .interval: store(duration(entry.field), in: &health.interval)
            case .timeout: store(duration(entry.field), in: &health.timeout)
            case .rise: store(number(entry.field, in: Defaults.Bounds.healthCount), in: &health.rise)
            case .fall: store(number(entry.field, in: Defaults.Bounds.healthCount), in: &health.fall)
            }
        }
        refuseIdleKeys(of: health, fields)
        if !fields.contains(where: { $0.key == .timeout }) { health.timeout = min(health.timeout, health.interval) }
        checkTimes(of: health, fields)
        return health
    }

    // MARK: - Private

    /// `200-299`, `200-299,304`, or a list of such.
    private func statuses(_ field: Field) -> [ClosedRange<Int>]? {
        guard case .sequence(let nodes) = field.node.content else {
            return value(field, Self.statuses(_:))
        }
        if nodes.isEmpty { findings.error("`expect` is empty", at: field.node.place, hint: "write \"200-299\"") }
        return list(of: field, Self.statuses(_:))?.flatMap(\.value)
    }

    private static func statuses(_ text: String) throws(ScalarError) -> [ClosedRange<Int>] {
        var ranges: [ClosedRange<Int>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            ranges.append(try range(String(part.trimmingBlanks), of: text))
        }
        return ranges
    }

    private static func range(_ part: String, of text: String) throws(ScalarError) -> ClosedRange<Int> {
        let ends = part.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.compactMap { $0.utf8.count == 3 ? wholeNumber($0.utf8).flatMap { Int(exactly: $0) } : nil }
        let bounds = Defaults.Bounds.healthStatuses
        guard let low = numbers.first, let high = numbers.last, numbers.count == ends.count, ends.count <= 2, low <= high,
            bounds.contains(low), bounds.contains(high)
        else {
            throw ScalarError(
                "\(quoted(text)) is not a set of statuses",
                hint: "write \"200-299\" or \"200-299,304\", from \(bounds.lowerBound) to \(bounds.upperBound)")
        }
        return low...high
    }

    /// A name of a service of gRPC, as `grpc.health.v1` knows it.
    private static func callee(_ text: String) throws(ScalarError) -> String {
        guard text.utf8.count <= 127, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ScalarError(
                "\(quoted(text)) is no name of a gRPC service", hint: "write \"package.Service\", or leave it out for the whole server")
        }
        return text
    }

    /// A check that does not ask the question to which these belong would accept and ignore them.
    private func refuseIdleKeys(of health: HealthConfiguration, _ fields: [(key: HealthKey, entry: Node.Entry)]) {
        for (key, entry) in fields {
            let belongs: [(HealthConfiguration.Check, String)]
            switch key {
            case .path, .expect: belongs = [(.http, "http")]
            case .host: belongs = [(.http, "http"), (.grpc, "grpc")]
            case .service where health.service.isEmpty: continue
            case .service: belongs = [(.grpc, "grpc")]
            case .protocol, .interval, .timeout, .rise, .fall: continue
            }
            if belongs.contains(where: { $0.0 == health.check }) { continue }
            findings.error(
                "\(quoted(entry.key)) has no effect on a \(health.check) check", at: entry.keyPlace,
                hint: "remove it, or write protocol: \(belongs[0].1)")
        }
    }

    private func checkTimes(of health: HealthConfiguration, _ fields: [(key: HealthKey, entry: Node.Entry)]) {
        guard health.timeout > health.interval else { return }
        guard let entry = fields.first(where: { $0.key == .timeout })?.entry else { return }
        findings.error(
            "the check's `timeout` is longer than its `interval`", at: entry.value.place, hint: "the next check would overtake it")
    }
}

extension Substring {
    fileprivate var trimmingBlanks: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
