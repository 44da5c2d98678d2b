/// What a session keeps of one stream.
struct H2StreamRecord {
    struct Flags: OptionSet {
        var rawValue: UInt8
        /// The caller has said that no more will be offered.
        static var isFinished: Flags { Flags(rawValue: 1) }
        /// The library waits for `resume`.
        static var isDeferred: Flags { Flags(rawValue: 2) }
        /// Our HEADERS have gone out.
        static var headSent: Flags { Flags(rawValue: 4) }
        /// We asked for its reset.
        static var resetByUs: Flags { Flags(rawValue: 8) }
        /// Refused by the header rules: nothing more is told of it.
        static var isMuted: Flags { Flags(rawValue: 16) }
        /// The caller knows it.
        static var isTold: Flags { Flags(rawValue: 32) }
        /// Our END_STREAM has gone out.
        static var endSent: Flags { Flags(rawValue: 64) }
        /// What the peer still has to say is not wanted once it has.
        static var refusesRest: Flags { Flags(rawValue: 128) }
    }

    /// 0 when free.
    var id: Int32 = 0
    var user: UInt32 = 0
    /// Bytes that the caller has ready and that have not left.
    var offered = 0
    /// Bytes told and not yet consumed.
    var unconsumed = 0
    /// `H2FieldList.keep`.
    var trailers: UnsafeMutableRawPointer?
    var nextFree: UInt32 = .max
    var flags: Flags = []
}

/// The records of a session's streams, by slot. Grows, is never moved while a record is in use by a callback.
struct H2StreamTable: ~Copyable {
    private var storage = UnsafeMutableBufferPointer<H2StreamRecord>(start: nil, count: 0)
    private var firstFree = UInt32.max
    private(set) var count = 0

    deinit {
        for record in storage { if let kept = record.trailers { H2FieldList.drop(kept) } }
        storage.deallocate()
    }

    mutating func add(_ id: Int32) -> UInt32 {
        if firstFree == .max { grow() }
        let slot = firstFree
        firstFree = storage[Int(slot)].nextFree
        storage[Int(slot)] = H2StreamRecord()
        storage[Int(slot)].id = id
        count += 1
        return slot
    }

    mutating func remove(_ slot: UInt32) {
        if let kept = storage[Int(slot)].trailers { H2FieldList.drop(kept) }
        storage[Int(slot)] = H2StreamRecord()
        storage[Int(slot)].nextFree = firstFree
        firstFree = slot
        count -= 1
    }

    func holds(_ id: Int32, at slot: UInt32) -> Bool { Int(slot) < storage.count && id != 0 && storage[Int(slot)].id == id }

    /// Nil for a handle whose stream is gone.
    func live(_ stream: H2Stream) -> UInt32? {
        guard Int(stream.slot) < storage.count, stream.id != 0, storage[Int(stream.slot)].id == stream.id else { return nil }
        return stream.slot
    }

    subscript(slot: UInt32) -> H2StreamRecord {
        get {
            precondition(Int(slot) < storage.count)
            return storage[Int(slot)]
        }
        nonmutating _modify {
            precondition(Int(slot) < storage.count)
            yield &storage[Int(slot)]
        }
    }

    private mutating func grow() {
        let larger = UnsafeMutableBufferPointer<H2StreamRecord>.allocate(capacity: max(8, storage.count * 2))
        larger.initialize(repeating: H2StreamRecord())
        if !storage.isEmpty { _ = larger.update(fromContentsOf: storage) }
        for slot in (storage.count..<larger.count).reversed() {
            larger[slot].nextFree = firstFree
            firstFree = UInt32(slot)
        }
        storage.deallocate()
        storage = larger
    }
}
