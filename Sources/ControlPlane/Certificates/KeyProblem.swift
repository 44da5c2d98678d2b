internal import Glibc
internal import TLS

/// Key files that cannot be used, and by whom.
struct KeyProblem: Error, Equatable, Sendable {
    /// "listener web", "pool shop/blue".
    var owner: String
    var error: TLSError

    /// Without the hint.
    var reason: String { "\(owner): \(error)" }
    var text: String { hint.map { "\(reason); hint: \($0)" } ?? reason }

    /// What to do about it.
    var hint: String? {
        switch error.reason {
        case .unreadable(ENOENT), .unreadable(ENOTDIR): "a relative path counts from the folder of the configuration file"
        case .unreadable(EACCES): "let the user that sluice runs as read it"
        case .unreadable: nil
        case .noCertificate: "give a PEM file: the host's certificate first, then the chain"
        case .chainDoesNotParse: "the file is cut off or damaged; write it anew"
        case .noKey: "give the private key in PEM form"
        case .keyIsEncrypted: "`openssl pkey -in KEY -out PLAIN` takes the passphrase off"
        case .keyDoesNotMatch: "cert and key must come from the same issue, and the host's certificate must be the first in its file"
        case .noName: "clients go by subjectAltName alone; get a certificate that has one"
        case .expired: "renew it"
        case .notYetValid: "check this machine's clock, or wait"
        case .badStaple: "fetch a new one, or write ocsp: fetch"
        case .noCertificateGiven: "give tls.certificates"
        case .refused: nil
        }
    }
}
