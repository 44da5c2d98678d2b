/// What a sample may be.
protocol MetricValue {
    var metricText: String { get }
}

extension Int: MetricValue { var metricText: String { String(self) } }
extension UInt64: MetricValue { var metricText: String { String(self) } }
extension Double: MetricValue { var metricText: String { String(self) } }

/// Text in the Prometheus exposition format 0.0.4, family after family.
struct MetricsPage {
    enum Kind: String { case counter, gauge }

    struct Family {
        fileprivate let name: String
        fileprivate var lines = ""

        mutating func sample(_ value: any MetricValue, _ labels: (name: String, value: String)...) {
            lines += name
            if !labels.isEmpty {
                lines += "{" + labels.map { "\($0.name)=\"\(MetricsPage.escaped($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
            }
            lines += " \(value.metricText)\n"
        }
    }

    private(set) var text = ""

    /// A family without samples is left out.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ fill: (inout Family) -> Void) {
        var family = Family(name: name)
        fill(&family)
        guard !family.lines.isEmpty else { return }
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n" + family.lines
    }

    // MARK: - Private

    fileprivate static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
