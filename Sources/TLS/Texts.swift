// For `tm`: whichever module the compiler reads first owns the C library's time.h.
internal import COpenSSL
internal import Glibc

enum SystemText {
    static func of(_ code: Int32) -> String { String(cString: strerror(code)) }
}

enum DateText {
    /// "2026-11-21 16:59:00 UTC".
    static func of(_ seconds: Int64) -> String {
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let day = "\(Int64(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(day) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }
}
