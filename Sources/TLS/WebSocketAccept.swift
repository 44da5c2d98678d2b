internal import COpenSSL

/// The answer to a WebSocket client's key (RFC 6455 §4.2.2). Proof that the request was understood, no secret: hence SHA-1.
package enum WebSocketAccept {
    private static let suffix = Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)

    /// The value of `Sec-WebSocket-Accept`; empty when OpenSSL was told to compute no SHA-1.
    package static func text(_ key: UnsafeRawBufferPointer) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        let message = Array(key) + suffix
        guard EVP_Digest(message, message.count, &digest, &length, EVP_sha1(), nil) == 1 else { return [] }
        return Base64.text(Array(digest[..<Int(length)]))
    }
}
