/// Deadlines of a loop's registrations in two wheels: 256 ticks of 8.4 ms, 256 turns of 2.1 s.
///
/// One deadline per registration, named by its slot. The links are lazy: moving a deadline later is one store, and the entry is carried on
/// when its old place comes up; so a request that sets and clears deadlines costs nothing but the stores, and a loop with only far
/// deadlines wakes every two seconds at most. Deadlines are met up to two ticks late, never early.
///
/// Pure: no clock, no callback. Confined to its loop.
package struct TimerWheel {
    package struct Entry {
        fileprivate var deadline = Instant.never
        fileprivate var tick: Int64 = 0
        fileprivate var next: Int32 = -1
        fileprivate var previous: Int32 = -1
        /// Bucket that holds the entry; -1 = none.
        fileprivate var bucket: Int32 = -1
    }

    private static let tickShift: Int64 = 23
    private static let size = 256
    private static let mask: Int64 = 255

    private var entries: [Entry] = []
    /// 0..<256 the near wheel, 256..<512 the far one.
    private var heads = [Int32](repeating: -1, count: 512)
    private var occupied: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var farCount = 0
    private var nearCount = 0
    /// The last tick that was worked through.
    private var current: Int64

    package init(now: Instant) { current = now.nanoseconds >> Self.tickShift }

    package mutating func reserve(slots: Int) {
        while entries.count < slots { entries.append(Entry()) }
    }

    package func deadline(of slot: Int) -> Instant { entries[slot].deadline }

    package mutating func set(_ slot: Int, to deadline: Instant) {
        entries[slot].deadline = deadline
        if deadline == .never { return }
        let tick = Self.tick(of: deadline)
        if entries[slot].bucket >= 0 {
            if entries[slot].tick <= tick { return }
            unlink(slot)
        }
        link(slot, tick: tick)
    }

    /// The slot is free for another owner afterwards.
    package mutating func remove(_ slot: Int) {
        entries[slot].deadline = .never
        if entries[slot].bucket >= 0 { unlink(slot) }
    }

    /// The next slot whose deadline has passed, or nil. Call until nil.
    package mutating func popExpired(now: Instant) -> Int? {
        let target = now.nanoseconds >> Self.tickShift
        while true {
            let bucket = Int(current & Self.mask)
            while heads[bucket] >= 0 {
                let slot = Int(heads[bucket])
                unlink(slot)
                let deadline = entries[slot].deadline
                if deadline == .never { continue }
                if deadline <= now {
                    entries[slot].deadline = .never
                    return slot
                }
                link(slot, tick: max(Self.tick(of: deadline), current + 1))
            }
            if current >= target { return nil }
            advance(to: target)
        }
    }

    /// How long the loop may sleep; nil = no deadline at all.
    package func timeToNext(now: Instant) -> TimeSpan? {
        guard nearCount > 0 || farCount > 0 else { return nil }
        var wake = Int64.max
        if nearCount > 0 {
            var tick = current
            while tick < current + Int64(Self.size) {
                let word = occupiedWord(Int(tick & Self.mask) >> 6) >> UInt64(tick & 63)
                if word != 0 {
                    wake = tick + Int64(word.trailingZeroBitCount)
                    break
                }
                tick = (tick | 63) + 1
            }
        }
        if farCount > 0 { wake = min(wake, (current | Self.mask) + 1) }
        let due = (wake << Self.tickShift) &- now.nanoseconds
        return TimeSpan(nanoseconds: max(due, 0))
    }

    // MARK: - Private

    /// Rounded up: a deadline is never met early.
    private static func tick(of deadline: Instant) -> Int64 { (deadline.nanoseconds >> tickShift) + 1 }

    private mutating func advance(to target: Int64) {
        if nearCount == 0 && farCount == 0 {
            current = target
            return
        }
        current += 1
        if current & Self.mask == 0 && farCount > 0 { cascade() }
    }

    private mutating func cascade() {
        let bucket = Self.size + Int((current >> 8) & Self.mask)
        var slot = heads[bucket]
        var moved: [Int] = []
        while slot >= 0 {
            moved.append(Int(slot))
            slot = entries[Int(slot)].next
        }
        for slot in moved {
            unlink(slot)
            let deadline = entries[slot].deadline
            if deadline == .never { continue }
            link(slot, tick: max(Self.tick(of: deadline), current))
        }
    }

    private mutating func link(_ slot: Int, tick wanted: Int64) {
        var tick = max(wanted, current)
        var bucket: Int
        if tick - current < Int64(Self.size) {
            bucket = Int(tick & Self.mask)
            nearCount += 1
            setOccupied(bucket)
        } else {
            // Farther than the far wheel reaches: parked in its last bucket, carried on from there.
            let turn = min(tick >> 8, (current >> 8) + Self.mask)
            tick = turn << 8
            bucket = Self.size + Int(turn & Self.mask)
            farCount += 1
        }
        let head = heads[bucket]
        entries[slot].tick = tick
        entries[slot].bucket = Int32(bucket)
        entries[slot].next = head
        entries[slot].previous = -1
        if head >= 0 { entries[Int(head)].previous = Int32(slot) }
        heads[bucket] = Int32(slot)
    }

    private mutating func unlink(_ slot: Int) {
        let bucket = Int(entries[slot].bucket)
        let (next, previous) = (entries[slot].next, entries[slot].previous)
        if next >= 0 { entries[Int(next)].previous = previous }
        if previous >= 0 { entries[Int(previous)].next = next } else { heads[bucket] = next }
        entries[slot].bucket = -1
        if bucket < Self.size {
            nearCount -= 1
            if heads[bucket] < 0 { clearOccupied(bucket) }
        } else {
            farCount -= 1
        }
    }

    private func occupiedWord(_ index: Int) -> UInt64 {
        switch index {
        case 0: occupied.0
        case 1: occupied.1
        case 2: occupied.2
        default: occupied.3
        }
    }

    private mutating func setOccupied(_ bucket: Int) { change(bucket >> 6) { $0 | (1 << UInt64(bucket & 63)) } }
    private mutating func clearOccupied(_ bucket: Int) { change(bucket >> 6) { $0 & ~(1 << UInt64(bucket & 63)) } }

    private mutating func change(_ index: Int, _ body: (UInt64) -> UInt64) {
        switch index {
        case 0: occupied.0 = body(occupied.0)
        case 1: occupied.1 = body(occupied.1)
        case 2: occupied.2 = body(occupied.2)
        default: occupied.3 = body(occupied.3)
        }
    }
}
