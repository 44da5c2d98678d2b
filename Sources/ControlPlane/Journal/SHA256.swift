internal import COpenSSL

/// SHA-256 (FIPS 180-4) by OpenSSL.
enum SHA256 {
    /// Of all `bytes`, as 64 lower-case hexadecimal digits.
    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let bytes = ContiguousArray(bytes)
        let isDone = bytes.withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &digest, &length, EVP_sha256(), nil) }
        // It fails for want of memory alone, and then nothing else goes on either.
        precondition(isDone == 1 && length == 32, "OpenSSL computes no SHA-256")
        var text: [UInt8] = []
        text.reserveCapacity(64)
        for byte in digest { text += [digit(byte >> 4), digit(byte & 15)] }
        return String(decoding: text, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
}
