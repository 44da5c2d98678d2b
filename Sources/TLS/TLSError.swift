/// Key material or a setting that cannot be used, with the file to blame. Thrown while a snapshot is built, never on the path of a request.
package struct TLSError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        /// `errno` of the attempt.
        case unreadable(Int32)
        case noCertificate
        /// A block behind the first certificate, counted from 1.
        case chainDoesNotParse(position: Int)
        case noKey
        /// The key is encrypted; nobody is there to type a passphrase.
        case keyIsEncrypted
        case keyDoesNotMatch
        /// No DNS name and no address in subjectAltName; the common name does not count (RFC 9525 §2).
        case noName
        /// Seconds since 1970.
        case expired(since: Int64)
        /// Seconds since 1970.
        case notYetValid(until: Int64)
        /// The staple is no OCSP response, or not a successful one.
        case badStaple
        /// A listener needs one certificate at least.
        case noCertificateGiven
        /// OpenSSL refuses; its words stand in `detail`.
        case refused
    }

    /// Empty when no file is to blame.
    package let file: String
    package let reason: Reason
    /// OpenSSL's own words, empty when there are none.
    package let detail: String

    package init(_ reason: Reason, file: String = "", detail: String = "") {
        self.file = file
        self.reason = reason
        self.detail = detail
    }

    package var description: String {
        let text = [file, words, detail].filter { !$0.isEmpty }.joined(separator: ": ")
        return text
    }

    private var words: String {
        switch reason {
        case .unreadable(let code): "cannot be read: \(SystemText.of(code))"
        case .noCertificate: "holds no certificate in PEM form"
        case .chainDoesNotParse(let position): "certificate \(position) of the chain cannot be parsed"
        case .noKey: "holds no private key in PEM form"
        case .keyIsEncrypted: "the private key is encrypted; give one without a passphrase"
        case .keyDoesNotMatch: "the private key does not belong to the certificate"
        case .noName: "the certificate names no host (subjectAltName)"
        case .expired(let time): "the certificate expired on \(DateText.of(time))"
        case .notYetValid(let time): "the certificate is not valid before \(DateText.of(time))"
        case .badStaple: "is no successful OCSP response in DER form"
        case .noCertificateGiven: "no certificate is given"
        case .refused: "OpenSSL refuses it"
        }
    }
}
