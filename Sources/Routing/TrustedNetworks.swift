internal import Config
internal import Net

/// CIDR blocks ready to be matched. An IPv4 address that came over an IPv6 socket (`::ffff:a.b.c.d`, RFC 4291 §2.5.5.2) is an IPv4 address here.
struct TrustedNetworks: Sendable {
    private struct V4: Sendable {
        var network: UInt32
        var mask: UInt32
    }
    private struct V6: Sendable {
        var high: UInt64
        var low: UInt64
        var highMask: UInt64
        var lowMask: UInt64
    }

    // All in host order; addresses of sockets are turned before they are compared.
    private let v4: [V4]
    private let v6: [V6]

    init(_ blocks: [AddressBlock]) {
        var v4: [V4] = []
        var v6: [V6] = []
        for block in blocks {
            switch block.bytes.count {
            case 4: v4.append(Self.v4(UInt32(truncatingIfNeeded: Self.number(block.bytes[...])), prefix: block.prefixLength))
            case 16:
                let high = Self.number(block.bytes[..<8])
                let low = Self.number(block.bytes[8...])
                if high == 0 && low >> 32 == 0xFFFF && block.prefixLength >= 96 {
                    v4.append(Self.v4(UInt32(truncatingIfNeeded: low), prefix: block.prefixLength - 96))
                } else {
                    v6.append(Self.v6(high, low, prefix: block.prefixLength))
                }
            default: continue
            }
        }
        self.v4 = v4
        self.v6 = v6
    }

    var isEmpty: Bool { v4.isEmpty && v6.isEmpty }

    /// Peers on Unix sockets have no address and are in no block.
    func contains(_ address: SocketAddress) -> Bool {
        if isEmpty { return false }
        switch address {
        case .v4(let address, _): return containsV4(UInt32(bigEndian: address))
        case .v6(let high, let low, _):
            let low = UInt64(bigEndian: low)
            if high == 0 && low >> 32 == 0xFFFF { return containsV4(UInt32(truncatingIfNeeded: low)) }
            return containsV6(UInt64(bigEndian: high), low)
        case .unix: return false
        }
    }

    // MARK: - Private

    private func containsV4(_ address: UInt32) -> Bool {
        for block in v4 where address & block.mask == block.network { return true }
        return false
    }

    private func containsV6(_ high: UInt64, _ low: UInt64) -> Bool {
        for block in v6 where high & block.highMask == block.high && low & block.lowMask == block.low { return true }
        return false
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    // Shifts by the whole width give 0 in Swift, so a prefix of 0 makes the mask that everything passes.
    private static func v4(_ network: UInt32, prefix: Int) -> V4 {
        let mask = UInt32.max << (32 - min(max(prefix, 0), 32))
        return V4(network: network & mask, mask: mask)
    }

    private static func v6(_ high: UInt64, _ low: UInt64, prefix: Int) -> V6 {
        let prefix = min(max(prefix, 0), 128)
        let highMask = UInt64.max << (64 - min(prefix, 64))
        let lowMask = UInt64.max << (64 - max(prefix - 64, 0))
        return V6(high: high & highMask, low: low & lowMask, highMask: highMask, lowMask: lowMask)
    }
}
