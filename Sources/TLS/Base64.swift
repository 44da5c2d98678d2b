internal import COpenSSL

/// RFC 4648 §4, by OpenSSL.
package enum Base64 {
    package static func text(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { text, count in
            // It writes a NUL behind the text.
            count = Int(EVP_EncodeBlock(text.baseAddress, bytes, Int32(bytes.count)))
        }
    }
}
