internal import COpenSSL

/// Why a session broke. A trivial value: words are made only when somebody asks for `description`.
package enum TLSFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// `errno` of the socket.
    case socket(Int32)
    /// The connection ended in the middle of the handshake.
    case endedInHandshake
    /// The other side spoke HTTP without TLS.
    case plainHTTP
    /// The other side broke off with this alert (RFC 8446 §6.2).
    case alert(UInt8)
    /// A client certificate is required and none came.
    case noCertificate
    /// The other side's certificate is not trusted or names another host; the number is OpenSSL's X509_V_ERR.
    case untrusted(Int)
    /// We broke off; the number is OpenSSL's packed error.
    case broken(UInt)

    /// The oldest error of this thread's queue, which is the cause.
    static func fromQueue(of ssl: OpaquePointer) -> TLSFailure {
        let code = ERR_peek_error()
        guard sluice_error_is_ssl(code) != 0 else { return .broken(code) }
        let reason = sluice_error_reason(code)
        switch reason {
        case SSL_R_HTTP_REQUEST: return .plainHTTP
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return .noCertificate
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return .untrusted(SSL_get_verify_result(ssl))
        // OpenSSL numbers an alert that came in as 1000 + alert.
        case 1000...1255: return .alert(UInt8(truncatingIfNeeded: reason - 1000))
        default: return .broken(code)
        }
    }

    package var description: String {
        switch self {
        case .socket(let code): SystemText.of(code)
        case .endedInHandshake: "the connection ended in the handshake"
        case .plainHTTP: "HTTP without TLS"
        case .alert(let number): "alert of the other side: \(String(cString: SSL_alert_desc_string_long(Int32(number))))"
        case .noCertificate: "the client sent no certificate"
        case .untrusted(let code): "certificate refused: \(String(cString: X509_verify_cert_error_string(code)))"
        case .broken(let code): ErrorQueue.text(of: code)
        }
    }
}

/// OpenSSL's list of errors of this thread.
enum ErrorQueue {
    static func text(of code: UInt) -> String {
        guard code != 0 else { return "unknown error of OpenSSL" }
        guard let words = ERR_reason_error_string(code) else { return "error \(code) of OpenSSL" }
        return String(cString: words)
    }

    /// The oldest error in words, and an empty queue.
    static func take() -> String {
        let code = ERR_peek_error()
        ERR_clear_error()
        return code == 0 ? "" : text(of: code)
    }
}
