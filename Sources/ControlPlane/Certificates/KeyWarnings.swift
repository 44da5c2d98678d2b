internal import Config
internal import Routing
internal import TLS

extension KeyShelf {
    /// How long before the end of a certificate somebody should know.
    static let notice: Int64 = 14 * 86_400

    /// What serves as it is, and should not stay so: certificates that end soon, OCSP responses that are not shown.
    /// - Parameter now: seconds since 1970.
    func warnings(_ configuration: Configuration, now: Int64 = WallClock.now().milliseconds / 1000) -> [String] {
        var lines: [String] = []
        for listener in configuration.listeners {
            for certificate in material.listeners[listener.name]?.certificates ?? [] {
                let owner = "listener \(listener.name)"
                lines += ending(certificate, owner, now)
                if let error = certificate.stapleError { lines.append("\(owner): OCSP response not shown: \(error)") }
            }
        }
        for service in configuration.services {
            for pool in service.pools {
                guard let files = pool.tls?.certificate.map(CertificateFiles.init), let shelved = certificates[files] else { continue }
                lines += ending(shelved.thing, "pool \(service.name)/\(pool.name)", now)
            }
        }
        return lines
    }

    private func ending(_ certificate: Certificate, _ owner: String, _ now: Int64) -> [String] {
        let (left, overflow) = certificate.notAfter.subtractingReportingOverflow(now)
        guard !overflow, left < Self.notice else { return [] }
        let name = certificate.names.first.map { "\($0), " } ?? ""
        return [
            "\(owner): \(certificate.files.certificate) (\(name)\(CertificateTime.text(certificate.notAfter))) \(CertificateTime.left(left))"
        ]
    }
}

/// Moments and spans as people read them.
enum CertificateTime {
    /// RFC 3339.
    static func text(_ seconds: Int64) -> String {
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? "\(seconds)" : WallClock(milliseconds: milliseconds).rfc3339
    }

    /// "expires in 12 days", "expires in 5 hours", "expired 3 days ago".
    static func left(_ seconds: Int64) -> String {
        guard seconds >= 0 else { return "expired \(span(seconds == .min ? .max : -seconds)) ago" }
        return "expires in \(span(seconds))"
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

extension DiagnosticReport {
    /// Of something that no line of the file is to blame for.
    init(warning text: String, in path: String = "") {
        self.init(
            severity: "warning", file: path, line: 0, column: 0, message: text, hint: nil,
            text: path.isEmpty ? "warning: \(text)" : "\(path): warning: \(text)")
    }

    init(_ problem: KeyProblem, in path: String = "") {
        self.init(
            severity: "error", file: path, line: 0, column: 0, message: problem.reason, hint: problem.hint,
            text: path.isEmpty ? "error: \(problem.text)" : "\(path): error: \(problem.text)")
    }
}
