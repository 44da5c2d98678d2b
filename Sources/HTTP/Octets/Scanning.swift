/// Finding the first byte that ends a run, eight bytes at a time. In each mask a byte's top bit says "this byte stops the run"; only the
/// lowest set bit is exact (a borrow can set bits above it), and only that one is used.
extension Octets {
    /// The first control character (HTAB among them) or DEL at or behind `start`; `count` if there is none.
    @inline(__always)
    func endOfText(from start: Int) -> Int {
        var index = start
        while hasWord(at: index) {
            let word = word(at: index)
            let stops = word.bytesBelow(0x20) | word.bytesEqual(0x7f)
            if stops != 0 { return index &+ stops.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < count, self[index] >= 0x20, self[index] != 0x7f { index &+= 1 }
        return index
    }

    /// The first byte that may not stand in a request-target as we take it (space, control, DEL, "#", 0x80 and above); `count` if there is none.
    @inline(__always)
    func endOfTarget(from start: Int) -> Int {
        var index = start
        while hasWord(at: index) {
            let word = word(at: index)
            let stops = word.bytesBelow(0x21) | word.bytesEqual(0x7f) | word.bytesEqual(0x23) | (word & .everyByte(0x80))
            if stops != 0 { return index &+ stops.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < count, self[index] > 0x20, self[index] < 0x7f, self[index] != 0x23 { index &+= 1 }
        return index
    }

    /// The first byte that is no tchar; `count` if there is none. Letters, digits and "-" go by eight, the rest one by one.
    @inline(__always)
    func endOfToken(from start: Int) -> Int {
        var index = start
        while hasWord(at: index) {
            let run = (~word(at: index).commonNameBytes & .everyByte(0x80)).trailingZeroBitCount &>> 3
            if run >= 8 {
                index &+= 8
                continue
            }
            index &+= run
            guard ByteClass.token.contains(self[index]) else { return index }
            index &+= 1
        }
        while index < count, ByteClass.token.contains(self[index]) { index &+= 1 }
        return index
    }

    /// The first `byte` in `start..<end`; `end` if there is none.
    @inline(__always)
    func firstIndex(of byte: UInt8, from start: Int, to end: Int) -> Int {
        var index = start
        while index &+ 8 <= end {
            let stops = word(at: index).bytesEqual(byte)
            if stops != 0 { return index &+ stops.trailingZeroBitCount &>> 3 }
            index &+= 8
        }
        while index < end, self[index] != byte { index &+= 1 }
        return index
    }
}

extension UInt64 {
    /// Marks bytes below `limit`, 128 at most. Bytes of 0x80 and above are not marked.
    @inline(__always)
    fileprivate func bytesBelow(_ limit: UInt8) -> UInt64 {
        (self &- .everyByte(limit)) & ~self & .everyByte(0x80)
    }

    @inline(__always)
    fileprivate func bytesEqual(_ byte: UInt8) -> UInt64 {
        let difference = self ^ .everyByte(byte)
        return (difference &- .everyByte(0x01)) & ~difference & .everyByte(0x80)
    }

    /// Marks letters, digits and "-", each exactly: no sum carries into the next byte.
    @inline(__always)
    fileprivate var commonNameBytes: UInt64 {
        let ascii = self & .everyByte(0x7f)
        let folded = ascii | .everyByte(0x20)
        let letters = (folded &+ .everyByte(0x80 - 0x61)) & ~(folded &+ .everyByte(0x80 - 0x7b))
        let digits = (ascii &+ .everyByte(0x80 - 0x30)) & ~(ascii &+ .everyByte(0x80 - 0x3a))
        let dashes = ~((ascii ^ .everyByte(0x2d)) &+ .everyByte(0x7f))
        return (letters | digits | dashes) & ~self & .everyByte(0x80)
    }
}
