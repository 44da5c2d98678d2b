internal import COpenSSL
internal import Glibc

/// Why there is no OCSP response to show.
package enum OCSPError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The certificate names no responder.
    case noResponder
    /// Its issuer does not stand behind it in its file.
    case noIssuer
    case malformed
    /// The responder's own word for it (RFC 6960 §4.2.1).
    case unsuccessful(String)
    /// Nobody signed it whom the issuer would let.
    case notVerified(String)
    case outdated
    case revoked
    /// The responder does not know the certificate.
    case unknown
    /// Of the way to the responder.
    case unreachable(String)

    package var description: String {
        switch self {
        case .noResponder: "the certificate names no OCSP responder"
        case .noIssuer: "the issuer's certificate does not stand behind it in its file"
        case .malformed: "the OCSP responder sent what is no response"
        case .unsuccessful(let word): "the OCSP responder says \(word)"
        case .notVerified(let detail): "the OCSP response is not signed by the issuer: \(detail)"
        case .outdated: "the OCSP response is outdated, or from the future"
        case .revoked: "the certificate has been revoked"
        case .unknown: "the OCSP responder does not know the certificate"
        case .unreachable(let detail): "the OCSP responder cannot be asked: \(detail)"
        }
    }
}

/// The question whether a certificate is still good (RFC 6960), for the responder that it names. Any thread.
package struct OCSPQuestion: Sendable {
    /// As the certificate has it.
    package let responder: String
    /// In DER form.
    package let bytes: [UInt8]
    private let certificate: Certificate

    package init(_ certificate: Certificate) throws(OCSPError) {
        self.certificate = certificate
        var room = [CChar](repeating: 0, count: 1024)
        let length = Int(sluice_responder(certificate.leaf, &room, Int32(room.count)))
        guard length > 0 else { throw .noResponder }
        responder = String(decoding: room[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let id = try Self.id(of: certificate)
        guard let request = OCSP_REQUEST_new() else {
            OCSP_CERTID_free(id)
            throw .malformed
        }
        defer { OCSP_REQUEST_free(request) }
        // Without a nonce: responders answer from what they signed beforehand (RFC 5019).
        guard OCSP_request_add0_id(request, id) != nil else {
            OCSP_CERTID_free(id)
            throw .malformed
        }
        var encoded: UnsafeMutablePointer<UInt8>?
        let size = i2d_OCSP_REQUEST(request, &encoded)
        guard size > 0, let encoded else { throw .malformed }
        defer { CRYPTO_free(encoded, #file, #line) }
        bytes = Array(UnsafeBufferPointer(start: encoded, count: Int(size)))
    }

    /// The certificate with this response, when it is good, fresh and signed by who may; and when it was signed: seconds since 1970.
    package func judge(_ response: [UInt8], now: Int64) throws(OCSPError) -> (certificate: Certificate, signed: Int64) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let parsed = response.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_OCSP_RESPONSE(nil, &start, bytes.count)
        }
        guard let parsed else { throw .malformed }
        defer { OCSP_RESPONSE_free(parsed) }
        let status = OCSP_response_status(parsed)
        guard status == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
            throw .unsuccessful(OCSP_response_status_str(Int(status)).map { String(cString: $0) } ?? "\(status)")
        }
        guard let basic = OCSP_response_get1_basic(parsed) else { throw .malformed }
        defer { OCSP_BASICRESP_free(basic) }
        try verify(basic)
        return try read(basic, response, now)
    }

    // MARK: - Private

    private static func issuer(of certificate: Certificate) throws(OCSPError) -> OpaquePointer {
        guard let issuer = sluice_chain_at(certificate.chain, 0), X509_check_issued(issuer, certificate.leaf) == X509_V_OK else {
            throw .noIssuer
        }
        return issuer
    }

    /// By SHA-1, which is what responders have ready (RFC 5019 §2.1.1); it names, it does not sign.
    private static func id(of certificate: Certificate) throws(OCSPError) -> OpaquePointer {
        guard let id = OCSP_cert_to_id(EVP_sha1(), certificate.leaf, try issuer(of: certificate)) else { throw .noIssuer }
        return id
    }

    /// The issuer signed it, or somebody whom it lets sign (RFC 6960 §4.2.2.2).
    private func verify(_ basic: OpaquePointer) throws(OCSPError) {
        let issuer = try Self.issuer(of: certificate)
        guard let store = X509_STORE_new() else { throw .malformed }
        defer { X509_STORE_free(store) }
        X509_STORE_add_cert(store, issuer)
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        guard OCSP_basic_verify(basic, certificate.chain, store, 0) == 1 else { throw .notVerified(ErrorQueue.take()) }
    }

    private func read(_ basic: OpaquePointer, _ response: [UInt8], _ now: Int64) throws(OCSPError) -> (Certificate, Int64) {
        let id = try Self.id(of: certificate)
        defer { OCSP_CERTID_free(id) }
        var status: Int32 = 0
        var reason: Int32 = 0
        var revoked: UnsafeMutablePointer<ASN1_TIME>?
        var begin: UnsafeMutablePointer<ASN1_TIME>?
        var end: UnsafeMutablePointer<ASN1_TIME>?
        guard OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &begin, &end) == 1 else { throw .unknown }
        // Clocks differ by minutes.
        let tolerance = 300
        guard OCSP_check_validity(begin, end, tolerance, -1) == 1, let signed = begin.flatMap({ ASN1Time.seconds($0) }) else {
            throw .outdated
        }
        switch status {
        case V_OCSP_CERTSTATUS_GOOD: break
        case V_OCSP_CERTSTATUS_REVOKED: throw .revoked
        default: throw .unknown
        }
        // One that names no end is good until there may be a newer one: a day is what responders grant at least.
        let until = end.flatMap { ASN1Time.seconds($0) } ?? signed.addingReportingOverflow(86_400).partialValue
        guard now < until, let stapled = try? Certificate(certificate, staple: response, end: until) else { throw .outdated }
        return (stapled, signed)
    }
}
