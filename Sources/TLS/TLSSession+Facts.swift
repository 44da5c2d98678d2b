internal import COpenSSL
internal import Glibc

/// What was agreed. All of it is settled by the handshake and may be asked once it is complete.
extension TLSSession {
    /// By ALPN; nil when the client sent none, which means HTTP/1.1.
    package var negotiatedProtocol: TLSProtocol? {
        withPointer { ssl in
            var name: UnsafePointer<UInt8>?
            var length: UInt32 = 0
            SSL_get0_alpn_selected(ssl, &name, &length)
            return name.flatMap { TLSProtocol(UnsafeRawBufferPointer(start: $0, count: Int(length))) }
        }
    }

    /// The host that the client asked for, in lower case; nil when none or nonsense.
    package var serverName: String? {
        withPointer { ssl in
            guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) else { return nil }
            return HostName.normal(UnsafeRawBufferPointer(start: name, count: strnlen(name, 256)))
        }
    }

    /// "TLSv1.3".
    package var version: String { withPointer { String(cString: SSL_get_version($0)) } }

    /// "TLS_AES_128_GCM_SHA256", OpenSSL's name for older ones.
    package var cipher: String { withPointer { String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher($0))) } }

    package var isResumed: Bool { withPointer { SSL_session_reused($0) == 1 } }

    /// The other side's certificate in DER form, for `Client-Cert` (RFC 9440 §2.2); nil when it sent none. Verified if it was asked for.
    package var peerCertificate: [UInt8]? {
        withPointer { ssl in
            guard let certificate = SSL_get0_peer_certificate(ssl) else { return nil }
            let size = i2d_X509(certificate, nil)
            guard size > 0 else { return nil }
            return [UInt8](unsafeUninitializedCapacity: Int(size)) { bytes, count in
                var end = bytes.baseAddress
                count = Int(max(0, i2d_X509(certificate, &end)))
            }
        }
    }
}
