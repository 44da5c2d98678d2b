internal import Glibc

/// `Date: …\r\n` (RFC 9110 §5.6.7), rendered once a second.
struct DateLine {
    private static let length = 37
    private var second: Int64 = -1
    private var line = [UInt8](repeating: 0, count: Self.length)

    /// - Parameter wall: nanoseconds since 1970.
    mutating func write(to out: inout HeadWriter, wall: Int64) {
        let now = wall / 1_000_000_000
        if now != second {
            second = now
            render()
        }
        out.put(line)
    }

    private mutating func render() {
        var seconds = time_t(second)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let text =
            "Date: \(day(parts.tm_wday)), \(two(parts.tm_mday)) \(month(parts.tm_mon)) \(parts.tm_year + 1900) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT\r\n"
        line = Array(text.utf8)
    }

    private func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    private func day(_ index: Int32) -> String { name(index, of: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]) }
    private func month(_ index: Int32) -> String {
        name(index, of: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
    }
    private func name(_ index: Int32, of names: [String]) -> String { names.indices.contains(Int(index)) ? names[Int(index)] : names[0] }
}
