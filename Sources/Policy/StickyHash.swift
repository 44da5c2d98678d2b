/// The number that stands for a user's key within one service: the same on every node, after every restart and in every later version,
/// because moving it would move every user. Pinned by test vectors.
///
/// Defined on bytes, not on memory: the key in words of eight bytes, the first byte lowest, the last word filled up with zeros;
/// `h = mix(seed ^ count)`, then for each word `h = mix(h ^ word) + 0x9E3779B97F4A7C15`. The seed is the hash of the service's name under a
/// fixed one, so that two services place the same user independently. Not keyed by a secret: who may choose his own cookie may choose his
/// version, which does no harm.
package struct StickyHash: Sendable {
    package let seed: UInt64

    package init(service: String) { seed = Self.hash(Array(service.utf8), seed: 0x736C_7569_6365_0001) }

    package func callAsFunction(_ key: UnsafeRawBufferPointer) -> UInt64 { Self.hash(key, seed: seed) }

    /// Of a pool's name; its domain is another one than that of keys.
    func poolSeed(_ name: String) -> UInt64 { Self.hash(Array(name.utf8), seed: seed &+ 0x706F_6F6C) }

    /// P. Evensen, "Stronger, better, morer, Moremur" (2019): each bit of the input changes each bit of the output with a chance of one half.
    @inline(__always)
    static func mix(_ value: UInt64) -> UInt64 {
        var x = value
        x = (x ^ (x >> 27)) &* 0x3C79_AC49_2BA7_B653
        x = (x ^ (x >> 33)) &* 0x1C69_B3F7_4AC4_AE35
        return x ^ (x >> 27)
    }

    // MARK: - Private

    private static func hash(_ bytes: [UInt8], seed: UInt64) -> UInt64 { bytes.withUnsafeBytes { hash($0, seed: seed) } }

    private static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        let count = bytes.count
        var hash = mix(seed ^ UInt64(truncatingIfNeeded: count))
        var at = 0
        while at &+ 8 <= count {
            hash = add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)), to: hash)
            at &+= 8
        }
        guard at < count else { return hash }
        var word: UInt64 = 0
        for index in (at..<count).reversed() { word = word << 8 | UInt64(bytes[index]) }
        return add(word, to: hash)
    }

    @inline(__always)
    private static func add(_ word: UInt64, to hash: UInt64) -> UInt64 { mix(hash ^ word) &+ 0x9E37_79B9_7F4A_7C15 }
}
