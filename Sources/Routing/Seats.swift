internal import Policy

/// The ready members of a pool as the choice reads them: in one row, without reference counting. Immutable; any thread.
struct Seats: ~Copyable, Sendable {
    private struct Seat: Sendable {
        // SAFETY: the pool that owns these seats holds a strong reference to the same target for as long as it lives.
        let target: Unmanaged<Target>
        let ordinal: Int32
        let weight: Int32
    }

    private let seats: [Seat]
    private let sequence: SmoothSequence
    private let heaviest: Int

    init(_ members: [PoolMember], sequence: SmoothSequence) {
        seats = members.map {
            Seat(
                target: Unmanaged.passUnretained($0.target), ordinal: Int32(clamping: $0.target.ordinal),
                weight: Int32(clamping: max(1, $0.weight)))
        }
        heaviest = Int(seats.map(\.weight).max() ?? 1)
        self.sequence = sequence
    }

    var count: Int { seats.count }

    /// The target, claimed; nil when it takes no lease.
    func claim(_ index: Int) -> Target? {
        let target = seats.span[index].target
        return target._withUnsafeGuaranteedRef { $0.claim() } ? target.takeUnretainedValue() : nil
    }

    /// Index of the next in turn; -1 when none may be taken.
    func takeTurn(_ cursor: PoolCursor, excluding excluded: Int32) -> Int {
        guard sequence.count > 0 else { return -1 }
        let seats = self.seats.span
        // Alone, it has every turn: nothing is counted that loops would contend for.
        if seats.count == 1 { return Self.isFree(seats[0], excluding: excluded) ? 0 : -1 }
        // A turn that falls on one who cannot take it is lost, not passed on to the next in line: that one would get a double share.
        var position: UInt64 = 0
        for _ in 0..<(2 * seats.count) {
            position = cursor.next()
            let index = sequence.index(at: position)
            if Self.isFree(seats[index], excluding: excluded) { return index }
        }
        // Heavy ones that cannot take their many turns, or other loops that took those of the light ones.
        return takeShare(of: position, excluding: excluded)
    }

    /// Index of the least loaded; -1 when none may be taken. Scans from behind the one chosen last, and of equals keeps the first: so that ties
    /// take turns.
    func leastLoaded(_ cursor: PoolCursor, excluding excluded: Int32) -> Int {
        let count = seats.count
        guard count > 0 else { return -1 }
        let start = Int(truncatingIfNeeded: cursor.scanStart % UInt64(truncatingIfNeeded: count))
        var best = Best()
        scan(start..<count, excluding: excluded, &best)
        if !best.isIdeal { scan(0..<start, excluding: excluded, &best) }
        if best.index >= 0 { cursor.beginNextScan(at: best.index + 1) }
        return best.index
    }

    // MARK: - Private

    /// Index of one of the free, each as often as its weight says; -1 when there is none. Positions that come here lie any distance apart, so
    /// they are spread by the golden ratio, which keeps every run of them even.
    private func takeShare(of position: UInt64, excluding excluded: Int32) -> Int {
        let seats = self.seats.span
        var total: UInt64 = 0
        for index in 0..<seats.count where Self.isFree(seats[index], excluding: excluded) { total += UInt64(seats[index].weight) }
        var point = (position &* 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: total).high
        for index in 0..<seats.count where Self.isFree(seats[index], excluding: excluded) {
            let weight = UInt64(seats[index].weight)
            if point < weight { return index }
            point -= weight
        }
        // Some became free or not in between: whoever is free now will do.
        for index in 0..<seats.count where Self.isFree(seats[index], excluding: excluded) { return index }
        return -1
    }

    private static func isFree(_ seat: Seat, excluding excluded: Int32) -> Bool {
        seat.ordinal != excluded && !Target.takesNone(load: seat.target._withUnsafeGuaranteedRef { $0.load })
    }

    /// The least loaded so far.
    private struct Best {
        var index = -1
        /// So that whoever comes first is better.
        var load = Int(Int32.max)
        var weight = 1
        /// The heaviest with nothing to do: nobody can be less loaded.
        var isIdeal = false
    }

    @inline(__always)
    private func scan(_ range: Range<Int>, excluding excluded: Int32, _ best: inout Best) {
        let seats = self.seats.span
        for index in range {
            let seat = seats[index]
            let load = seat.target._withUnsafeGuaranteedRef { $0.load }
            let weight = Int(seat.weight)
            // Cross products: exact, no division. With the next exchange counted in, the heaviest of idle targets comes first.
            guard (load &+ 1) &* best.weight < (best.load &+ 1) &* weight else { continue }
            guard seat.ordinal != excluded && !Target.takesNone(load: load) else { continue }
            best = Best(index: index, load: load, weight: weight, isIdeal: load == 0 && weight == heaviest)
            if best.isIdeal { return }
        }
    }
}
