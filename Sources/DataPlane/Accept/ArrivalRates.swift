import Glibc
internal import Net
import Synchronization

/// How many connections each client address has begun in the present second, over all loops: what bounds the handshakes that one client costs.
///
/// A table of fixed size instead of one entry per address, so that no number of clients makes it grow: each address has two counters, chosen
/// by a hash that nobody outside can foresee, and is over the limit when both are. An innocent address suffers only when it shares both with
/// loud ones.
final class ArrivalRates: Sendable {
    /// Of one half; the two counters of an address lie in different halves.
    private static let halfSize = 4096

    // SAFETY: the pointer never changes; the words behind it are atomics, and zero is their initial value as `calloc` gives it.
    private nonisolated(unsafe) let counters: UnsafeMutablePointer<Atomic<UInt64>>?

    init() {
        let size = MemoryLayout<Atomic<UInt64>>.stride
        counters = calloc(2 * Self.halfSize, size)?.bindMemory(to: Atomic<UInt64>.self, capacity: 2 * Self.halfSize)
    }

    deinit { free(counters) }

    /// Counts one connection; false when the client has begun `limit` of them in this second already, and this one is not counted.
    ///
    /// Any thread. Loops that ask in the same instant may admit one each too many. An IPv6 client is its /64: it has all of that to choose
    /// from. Peers on Unix sockets have no address and no limit.
    func admits(_ client: SocketAddress, of listener: String, limit: Int, now: Instant) -> Bool {
        guard let counters else { return true }
        var hasher = Hasher()
        hasher.combine(listener)
        switch client {
        case .v4(let address, _): hasher.combine(address)
        case .v6(let high, let low, _):
            // ::ffff:a.b.c.d is an IPv4 client (RFC 4291 §2.5.5.2).
            let isMapped = high == 0 && UInt64(bigEndian: low) >> 32 == 0xFFFF
            hasher.combine(isMapped ? low : high)
        case .unix: return true
        }
        let hash = UInt64(bitPattern: Int64(hasher.finalize()))
        let first = Int(hash & UInt64(Self.halfSize - 1))
        let second = Self.halfSize + Int(hash >> 32 & UInt64(Self.halfSize - 1))
        let time = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000_000)
        let seen = min(Self.count(counters[first], time), Self.count(counters[second], time))
        guard seen < limit else { return false }
        Self.add(counters[first], time)
        Self.add(counters[second], time)
        return true
    }

    // MARK: - Private

    /// A counter is the second in the upper half of the word, the count in the lower.
    private static func count(_ counter: borrowing Atomic<UInt64>, _ time: UInt32) -> Int {
        let word = counter.load(ordering: .relaxed)
        return isCurrent(word, time) ? Int(word & 0xFFFF_FFFF) : 0
    }

    private static func add(_ counter: borrowing Atomic<UInt64>, _ time: UInt32) {
        var word = counter.load(ordering: .relaxed)
        while true {
            let next = isCurrent(word, time) ? word &+ 1 : UInt64(time) << 32 | 1
            let (done, found) = counter.weakCompareExchange(expected: word, desired: next, ordering: .relaxed)
            if done { return }
            word = found
        }
    }

    /// Another loop may be in the next second already: its count goes on, lest two loops reset each other's.
    private static func isCurrent(_ word: UInt64, _ time: UInt32) -> Bool { UInt32(word >> 32) &- time <= 1 }
}
