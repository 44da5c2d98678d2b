/// A second, rendered once for all records that began in it: `2026-11-21T12:16:15` for JSON, `21/Nov/2026:12:16:15 +0000` for combined.
struct LineTime: ~Copyable {
    static let jsonCount = 19
    static let combinedCount = 26

    private let storage: UnsafeMutablePointer<UInt8>
    private var second = Int64.min

    init() { storage = .allocate(capacity: 64) }
    deinit { storage.deallocate() }

    /// The rendered forms, valid until the next call.
    var json: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage, count: LineTime.jsonCount) }
    var combined: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: storage + 32, count: LineTime.combinedCount) }

    /// - Parameter wallClock: microseconds since 1970; brought into the years 1970...9999.
    /// - Returns: the milliseconds within the second.
    @inline(__always)
    mutating func set(_ wallClock: Int64) -> UInt32 {
        let clamped = min(max(wallClock, 0), LineTime.last)
        let whole = clamped / 1_000_000
        if whole != second { render(whole) }
        return UInt32(truncatingIfNeeded: (clamped - whole * 1_000_000) / 1000)
    }

    // MARK: - Private

    /// 9999-12-31T23:59:59.999999Z
    private static let last: Int64 = 253_402_300_799_999_999
    private static let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"

    @inline(never)
    private mutating func render(_ whole: Int64) {
        second = whole
        let date = CivilDate(daysSince1970: Int(whole / 86_400))
        let clock = UInt32(whole % 86_400)

        var line = LineWriter(at: storage)
        line.decimal(UInt32(date.year), digits: 4)
        line.byte(UInt8(ascii: "-"))
        line.decimal(UInt32(date.month), digits: 2)
        line.byte(UInt8(ascii: "-"))
        line.decimal(UInt32(date.day), digits: 2)
        line.byte(UInt8(ascii: "T"))
        LineTime.write(clock, &line)

        line = LineWriter(at: storage + 32)
        line.decimal(UInt32(date.day), digits: 2)
        line.byte(UInt8(ascii: "/"))
        line.verbatim(UnsafeRawBufferPointer(start: LineTime.months.utf8Start + (date.month - 1) * 3, count: 3))
        line.byte(UInt8(ascii: "/"))
        line.decimal(UInt32(date.year), digits: 4)
        line.byte(UInt8(ascii: ":"))
        LineTime.write(clock, &line)
        line.literal(" +0000")
    }

    private static func write(_ clock: UInt32, _ line: inout LineWriter) {
        line.decimal(clock / 3600, digits: 2)
        line.byte(UInt8(ascii: ":"))
        line.decimal(clock / 60 % 60, digits: 2)
        line.byte(UInt8(ascii: ":"))
        line.decimal(clock % 60, digits: 2)
    }
}

/// A day of the Gregorian calendar, from 1970 on. The count runs in eras of 400 years that begin on the first of March.
struct CivilDate: Equatable {
    var year: Int
    var month: Int
    var day: Int

    init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }
}
