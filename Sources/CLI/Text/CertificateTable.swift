/// The certificates that listeners serve, and key files that they refused.
enum CertificateTable {
    /// Empty when nobody speaks TLS.
    static func lines(_ status: StatusView, _ paint: Paint) -> [String] {
        // A listener with several sockets has the same certificates on each.
        var seen = Set<String>()
        let listeners = status.listeners.filter { $0.certificates != nil && seen.insert($0.name).inserted }
        let rows = listeners.flatMap { listener in (listener.certificates ?? []).map { row(listener.name, $0) } }
        var lines = rows.isEmpty ? [] : [""] + Table.lines([["CERTIFICATE", "NAMES", "KEY", "ENDS", ""]] + rows, paint: paint, tone: tone)
        let refusals =
            listeners.compactMap(\.keyRefusal) + status.services.flatMap { $0.pools.compactMap(\.keyRefusal) }
        for refusal in refusals {
            for reason in refusal.reasons {
                lines.append("\(paint("refused", .bad)) \(refusal.time): \(Printable.text(reason)) (the former files stay in use)")
            }
        }
        return lines
    }

    /// "expires in 12 days", "expired 3 hours ago".
    static func left(_ seconds: Int64) -> String {
        seconds < 0 ? "expired \(span(seconds == .min ? .max : -seconds)) ago" : "expires in \(span(seconds))"
    }

    // MARK: - Private

    private static func row(_ listener: String, _ certificate: StatusView.Listener.Certificate) -> [String] {
        let names = certificate.names.prefix(3).map(Printable.text).joined(separator: ", ")
        let more = certificate.names.count > 3 ? " and \(certificate.names.count - 3) more" : ""
        var remarks = [left(certificate.expiresIn)]
        if certificate.stapleUntil != nil { remarks.append("OCSP response shown") }
        if let error = certificate.stapleError { remarks.append("OCSP: \(Printable.text(error))") }
        return [
            Printable.text(listener), names + more, Printable.text(certificate.keyType), String(certificate.notAfter.prefix(10)),
            remarks.joined(separator: ", "),
        ]
    }

    private static func tone(_ cell: String) -> Paint.Tone? {
        if cell.hasPrefix("expired ") { return .bad }
        // Under a fortnight, as `sluice check` warns.
        guard cell.hasPrefix("expires in "), let words = cell.split(separator: ",").first?.split(separator: " "), words.count == 4 else {
            return nil
        }
        return words[3].hasPrefix("day") && (Int(words[2]) ?? 0) >= 14 ? nil : .warning
    }

    private static func span(_ seconds: Int64) -> String {
        let (number, unit) =
            switch seconds {
            case 172_800...: (seconds / 86_400, "day")
            case 7200...: (seconds / 3600, "hour")
            default: (seconds / 60, "minute")
            }
        return number == 1 ? "1 \(unit)" : "\(number) \(unit)s"
    }
}
