internal import Config
internal import Dispatch
internal import TLS

/// OCSP responses for the listeners that want them fetched (`tls.ocsp: fetch`). Confined to the control queue; responders are asked beside it, one at
/// a time. A response is kept in memory alone: the next process asks anew.
///
/// SAFETY: touched on the control queue alone.
final class StapleDesk: @unchecked Sendable {
    /// Of a question that failed, doubled each time: seconds.
    static let firstPause: Int64 = 10
    static let longestPause: Int64 = 3600
    /// Between two questions about the same certificate, however short a response is good for.
    static let shortestPause: Int64 = 60

    private struct Entry {
        var failures = 0
        /// Seconds since 1970.
        var next: Int64 = 0
        var error: OCSPError?
        var stapled: Certificate?
    }

    private let queue: DispatchQueue
    private let log: OperatorLog
    /// By the digest of the certificate.
    private var entries: [String: Entry] = [:]
    private var isAsking = false

    init(queue: DispatchQueue, log: OperatorLog) {
        self.queue = queue
        self.log = log
    }

    /// Certificates with their responses, by digest.
    var stapled: [String: Certificate] { entries.compactMapValues(\.stapled) }

    /// Why there is no response, or no new one.
    func error(of digest: String) -> OCSPError? { entries[digest]?.error }

    /// Asks for what is due. `now` in seconds since 1970.
    func look(_ configuration: Configuration, _ keys: KeyShelf, now: Int64) {
        dispatchPrecondition(condition: .onQueue(queue))
        var wanted: [String: Certificate] = [:]
        for listener in configuration.listeners {
            guard let tls = listener.tls, tls.fetchesOCSP else { continue }
            for file in tls.certificates where file.ocsp == nil {
                if let certificate = keys.certificates[CertificateFiles(file)]?.thing { wanted[certificate.digest] = certificate }
            }
        }
        entries = entries.filter { wanted[$0.key] != nil }
        guard !isAsking, let due = wanted.first(where: { (entries[$0.key]?.next ?? 0) <= now })?.value else { return }
        isAsking = true
        DispatchQueue.global(qos: .utility).async { [queue] in
            let answer = Self.ask(due, now: now)
            queue.async { self.take(answer, for: due) }
        }
    }

    /// When to ask again after a good response: at the half of its time.
    static func next(signed: Int64, end: Int64, now: Int64) -> Int64 {
        let (sum, overflow) = signed.addingReportingOverflow(end)
        return max(now + shortestPause, overflow ? 0 : sum / 2)
    }

    static func pause(after failures: Int) -> Int64 { min(longestPause, firstPause << Int64(min(max(0, failures - 1), 20))) }

    // MARK: - Private

    private typealias Answer = Result<(certificate: Certificate, signed: Int64), OCSPError>

    private static func ask(_ certificate: Certificate, now: Int64) -> Answer {
        do throws(OCSPError) {
            let question = try OCSPQuestion(certificate)
            return .success(try question.judge(try OCSPFetch(question.responder).ask(question.bytes), now: now))
        } catch {
            return .failure(error)
        }
    }

    private func take(_ answer: Answer, for certificate: Certificate) {
        isAsking = false
        let now = WallClock.now().milliseconds / 1000
        var entry = entries[certificate.digest] ?? Entry()
        let name = certificate.names.first ?? certificate.files.certificate
        switch answer {
        case .success(let found):
            entry.next = Self.next(signed: found.signed, end: found.certificate.stapleEnd ?? now, now: now)
            entry.failures = 0
            entry.error = nil
            entry.stapled = found.certificate
            log.info("OCSP response fetched", ["name": name, "until": found.certificate.stapleEnd.map(CertificateTime.text) ?? "-"])
        case .failure(let error):
            entry.failures += 1
            entry.next = now + Self.pause(after: entry.failures)
            // The response that is there stays until its end; not that of a certificate that was revoked meanwhile.
            if error == .revoked { entry.stapled = nil }
            if entry.error != error { log.error("no OCSP response", ["name": name, "reason": error.description]) }
            entry.error = error
        }
        entries[certificate.digest] = entry
    }
}
