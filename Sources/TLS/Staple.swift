internal import COpenSSL

/// An OCSP response to be shown with a certificate (RFC 6066 §8).
enum Staple {
    /// What can be shown and until when, or what is wrong with it.
    static func read(_ path: String?) -> (bytes: [UInt8]?, end: Int64?, error: TLSError?) {
        guard let path else { return (nil, nil, nil) }
        do {
            let bytes = try PEMFile.bytes(of: path)
            var end: Int64?
            guard isUsable(bytes, &end) else { return (nil, nil, TLSError(.badStaple, file: path)) }
            return (bytes, end, nil)
        } catch {
            return (nil, nil, error)
        }
    }

    private static func isUsable(_ bytes: [UInt8], _ end: inout Int64?) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let response = bytes.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return d2i_OCSP_RESPONSE(nil, &start, bytes.count)
        }
        guard let response else { return false }
        defer { OCSP_RESPONSE_free(response) }
        guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL, let basic = OCSP_response_get1_basic(response) else {
            return false
        }
        defer { OCSP_BASICRESP_free(basic) }
        for index in 0..<max(0, OCSP_resp_count(basic)) {
            var until: UnsafeMutablePointer<ASN1_TIME>?
            _ = OCSP_single_get0_status(OCSP_resp_get0(basic, index), nil, nil, nil, &until)
            // A client that demands a staple takes an outdated one for an attack.
            guard let until else { continue }
            if X509_cmp_current_time(until) < 0 { return false }
            if let time = ASN1Time.seconds(until) { end = min(end ?? time, time) }
        }
        return OCSP_resp_count(basic) > 0
    }
}
