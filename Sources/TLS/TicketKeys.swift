internal import COpenSSL

/// Keys that seal session tickets (RFC 5077 §4: AES-256-CBC with HMAC-SHA-256). The first seals; every one opens. A value: the control plane
/// makes and rotates it and gives the same to every loop, every listener, and over an upgrade to the next process.
package struct TicketKeys: Equatable, Sendable {
    struct Key: Equatable, Sendable {
        /// Seconds since 1970.
        var made: Int64
        /// 16 bytes that lead a ticket, 32 of AES, 32 of HMAC.
        var material: [UInt8]
    }

    static let nameSize = 16
    static let keySize = 32
    private static let materialSize = nameSize + 2 * keySize
    /// The form of `exported`; another one is not read.
    private static let magic: [UInt8] = Array("sltk1".utf8)
    /// Tickets older than this many rotations are not opened.
    private static let maximumCount = 16

    /// Newest first, never empty.
    private(set) var keys: [Key]

    /// One new key. `now` in seconds since 1970.
    package init(now: Int64) { keys = [Self.newKey(now: now)] }

    /// What `exported` gave, perhaps in another process; nil when it is not that.
    package init?(exported bytes: [UInt8]) {
        let size = 8 + Self.materialSize
        guard bytes.starts(with: Self.magic) else { return nil }
        let rest = bytes.dropFirst(Self.magic.count)
        guard !rest.isEmpty, rest.count.isMultiple(of: size), rest.count / size <= Self.maximumCount else { return nil }
        keys = stride(from: rest.startIndex, to: rest.endIndex, by: size).map { start in
            let made = rest[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return Key(made: Int64(bitPattern: made), material: Array(rest[start + 8..<start + size]))
        }
    }

    /// For the next process; a secret.
    package var exported: [UInt8] {
        keys.reduce(into: Self.magic) { bytes, key in
            let made = UInt64(bitPattern: key.made)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: made >> UInt64(shift))) }
            bytes += key.material
        }
    }

    /// When the key that seals was made: seconds since 1970.
    package var newest: Int64 { keys.first?.made ?? 0 }

    /// A new key seals from now on; of the old ones the newest `keeping` go on opening.
    package func rotated(now: Int64, keeping: Int = 2) -> TicketKeys {
        var copy = self
        copy.keys = [Self.newKey(now: now)] + keys.prefix(max(0, min(keeping, Self.maximumCount - 1)))
        return copy
    }

    private static func newKey(now: Int64) -> Key {
        var material = [UInt8](repeating: 0, count: materialSize)
        // It fails when the system gives no entropy; tickets under a guessable key would be worse than no process.
        precondition(RAND_bytes(&material, Int32(materialSize)) == 1, "OpenSSL gives no random bytes")
        return Key(made: now, material: material)
    }
}
