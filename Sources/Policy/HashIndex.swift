/// Open-addressing index from a hash to the number of a row that is kept elsewhere. Built once, then only read.
struct HashIndex: Sendable {
    private struct Slot: Sendable {
        var hash: UInt64 = 0
        /// -1: free.
        var row = -1
    }

    private var slots: [Slot]
    private let mask: Int

    /// - Parameter capacity: rows that will be inserted; at most half of the slots are ever taken, so every search ends.
    init(capacity: Int) {
        var size = 2
        while size < capacity * 2 { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        mask = size - 1
    }

    mutating func insert(_ hash: UInt64, row: Int) {
        var at = start(hash)
        while slots[at].row >= 0 { at = (at + 1) & mask }
        slots[at] = Slot(hash: hash, row: row)
    }

    /// The row of that hash for which `isEqual` holds; -1 when there is none.
    @inline(__always)
    func find(_ hash: UInt64, where isEqual: (_ row: Int) -> Bool) -> Int {
        let slots = self.slots.span
        var at = start(hash)
        while true {
            let slot = slots[at]
            if slot.row < 0 { return -1 }
            if slot.hash == hash && isEqual(slot.row) { return slot.row }
            at = (at + 1) & mask
        }
    }

    // MARK: - Private

    /// The upper bits of a product depend on all bits of the hash, its lower ones do not.
    @inline(__always)
    private func start(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask }
}

/// FNV-1a, byte by byte, so that the hash of each prefix falls out on the way (of each suffix, when fed from the end).
struct ByteHash {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    @inline(__always)
    mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
}

/// ASCII alone: host names and field names know no other case.
@inline(__always)
func lowercased(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
