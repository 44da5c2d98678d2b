/// Why a scalar is not what its field wants. The decoder adds the field's name and the place.
struct ScalarError: Error, Equatable {
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

extension UInt8 {
    var isASCIIDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isASCIILetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(asciiLowercased) }

    var asciiLowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}

/// Decimal digits and nothing else; nil for anything else or more than 64 bits. `08` is eight: YAML's octals are not ours.
func wholeNumber(_ digits: some Sequence<UInt8>) -> UInt64? {
    var value: UInt64?
    for digit in digits {
        guard digit.isASCIIDigit else { return nil }
        let (tenfold, overflow) = (value ?? 0).multipliedReportingOverflow(by: 10)
        let (sum, overflow2) = tenfold.addingReportingOverflow(UInt64(digit - UInt8(ascii: "0")))
        if overflow || overflow2 { return nil }
        value = sum
    }
    return value
}

/// ASCII only: names on the wire are ASCII, and Unicode case folding would change others.
func asciiLowercased(_ text: String) -> String {
    String(decoding: text.utf8.map(\.asciiLowercased), as: UTF8.self)
}
