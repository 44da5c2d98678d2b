/// Castagnoli's checksum (RFC 9260, appendix A). Bit by bit, without a table: it is asked for some hundred bytes of a connection, if at all.
enum CRC32C {
    /// - Parameter zeroed: where the checksum itself stands; its bytes count as zeros.
    static func of(_ bytes: UnsafeRawBufferPointer, zeroed: Range<Int>) -> UInt32 {
        var sum = UInt32.max
        for index in bytes.indices {
            sum ^= zeroed.contains(index) ? 0 : UInt32(bytes[index])
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
        }
        return ~sum
    }
}
