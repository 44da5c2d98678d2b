internal import Config
internal import Routing
internal import TLS

/// A listener's certificate as it serves.
package struct CertificateStatus: Encodable, Sendable {
    package var file: String
    /// Hosts, wildcards and addresses that it is for.
    package var names: [String]
    /// "RSA", "EC", "ED25519".
    package var keyType: String
    /// RFC 3339.
    package var notAfter: String
    /// Seconds; negative = it has ended.
    package var expiresIn: Int64
    /// RFC 3339: until when the OCSP response that goes with it is good; absent = none is shown.
    package var stapleUntil: String?
    /// Why none is shown, where one was to be.
    package var stapleError: String?

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - fetching: why its OCSP response could not be fetched.
    init(_ certificate: Certificate, now: Int64, fetching error: String?) {
        file = certificate.files.certificate
        names = certificate.names
        keyType = certificate.keyType
        notAfter = CertificateTime.text(certificate.notAfter)
        let (left, overflow) = certificate.notAfter.subtractingReportingOverflow(now)
        expiresIn = overflow ? 0 : left
        stapleUntil = certificate.stapleEnd.map(CertificateTime.text)
        stapleError = certificate.stapleError?.description ?? error
    }
}

/// Changed key files that are not used: what was there before stays.
package struct KeyRefusalStatus: Encodable, Sendable {
    /// RFC 3339.
    package var time: String
    package var reasons: [String]

    init(_ refusal: KeyVerdicts.Refusal) {
        time = refusal.time.rfc3339
        reasons = refusal.reasons
    }
}

/// What the watch over certificates, keys and authorities has done since the start.
package struct KeyFilesStatus: Encodable, Sendable {
    package var swaps: UInt64 = 0
    package var refusals: UInt64 = 0
}

extension StatusReport {
    /// Confined to the control queue.
    mutating func add(_ keys: KeyShelf, _ configuration: Configuration, _ watch: KeyWatch) {
        let now = WallClock.now().milliseconds / 1000
        let refusals = watch.verdicts.refusals
        keyFiles = KeyFilesStatus(swaps: watch.swaps, refusals: watch.refusals)
        for index in listeners.indices {
            let name = listeners[index].name
            listeners[index].protocols = configuration.listeners.first { $0.name == name }?.protocols.map(\.word) ?? []
            listeners[index].certificates = keys.material.listeners[name]?.certificates.map {
                CertificateStatus($0, now: now, fetching: watch.stapleError(of: $0.digest))
            }
            listeners[index].keyRefusal = refusals["listener \(name)"].map(KeyRefusalStatus.init)
        }
        for service in services.indices {
            for pool in services[service].pools.indices {
                let owner = "pool \(services[service].name)/\(services[service].pools[pool].name)"
                services[service].pools[pool].keyRefusal = refusals[owner].map(KeyRefusalStatus.init)
            }
        }
    }
}

extension Metrics {
    static func certificates(_ report: StatusReport, _ page: inout MetricsPage) {
        // Sockets of one listener, and certificates of two key types for one name, share a series: the first that ends counts.
        var ends: [String: [String: Int64]] = [:]
        for listener in report.listeners {
            for certificate in listener.certificates ?? [] {
                for name in certificate.names {
                    ends[listener.name, default: [:]][name] = min(ends[listener.name]?[name] ?? .max, certificate.expiresIn)
                }
            }
        }
        page.family("sluice_certificate_expiry_seconds", .gauge, "Until the certificate for this name ends; negative once it has.") {
            family in
            for (listener, names) in ends.sorted(by: { $0.key < $1.key }) {
                for (name, end) in names.sorted(by: { $0.key < $1.key }) {
                    family.sample(Int(clamping: end), ("listener", listener), ("name", name))
                }
            }
        }
        page.family("sluice_certificate_swaps_total", .counter, "Times that changed key files of a listener or pool were taken up.") {
            $0.sample(report.keyFiles.swaps)
        }
        page.family("sluice_certificate_refusals_total", .counter, "Times that changed key files were refused and the former ones stayed.")
        {
            $0.sample(report.keyFiles.refusals)
        }
    }
}
