/// uri-host [ ":" port ] of RFC 9110 §7.2 and RFC 3986 §3.2.2, without userinfo and IPvFuture. The comma of reg-name is refused too: it is
/// what two Host fields look like after a neighbour joined them.
enum Authority {
    /// The host in `range`: what stands before the port, the brackets of IPv6 kept. Empty hosts are refused: RFC 9110 §4.2.1 has a
    /// recipient reject an http URI without one.
    static func host(_ octets: Octets, _ range: ByteRange) throws(HTTPError) -> ByteRange {
        let (start, end) = (Int(range.start), Int(range.end))
        guard start < end else { throw HTTPError(.invalidHost) }
        let hostEnd = octets[start] == 0x5b ? endOfLiteral(octets, start, end) : endOfName(octets, start, end)
        guard let hostEnd, hostEnd > start, isPort(octets, hostEnd, end) else { throw HTTPError(.invalidHost) }
        return ByteRange(start: range.start, end: UInt32(hostEnd))
    }

    // MARK: - Private

    /// reg-name or an IPv4 address, which is spelled with the same bytes.
    private static func endOfName(_ octets: Octets, _ start: Int, _ end: Int) -> Int? {
        var index = start
        while index < end {
            if ByteClass.registeredName.contains(octets[index]) {
                index += 1
            } else if octets[index] == 0x25 {
                guard index + 2 < end, ByteClass.hexDigit.contains(octets[index + 1]), ByteClass.hexDigit.contains(octets[index + 2]) else {
                    return nil
                }
                index += 3
            } else {
                break
            }
        }
        return index
    }

    /// Empty, or ":" and digits; RFC 3986 lets the digits be absent. Above 65535 there is no port.
    private static func isPort(_ octets: Octets, _ start: Int, _ end: Int) -> Bool {
        if start == end { return true }
        guard octets[start] == .colon, end - start <= 6 else { return false }
        var port = 0
        for index in start + 1..<end {
            guard ByteClass.digit.contains(octets[index]) else { return false }
            port = port * 10 + Int(octets[index] - 0x30)
        }
        return port <= 65535
    }

    /// "[" IPv6address "]": eight groups, or fewer with one "::"; the last two may be an IPv4 address.
    private static func endOfLiteral(_ octets: Octets, _ start: Int, _ end: Int) -> Int? {
        let close = octets.firstIndex(of: 0x5d, from: start, to: end)
        guard close < end else { return nil }
        var (index, groups, hasGap) = (start + 1, 0, false)
        if isGap(octets, index, close) {
            hasGap = true
            index += 2
        }
        while index < close {
            let digits = run(of: .hexDigit, octets, index, close)
            if digits < close && octets[digits] == 0x2e {
                guard isIPv4(octets, index, close) else { return nil }
                groups += 2
                break
            }
            guard digits > index, digits - index <= 4 else { return nil }
            groups += 1
            index = digits
            if index == close { break }
            if isGap(octets, index, close) {
                guard !hasGap else { return nil }
                hasGap = true
                index += 2
            } else {
                guard octets[index] == .colon, index + 1 < close else { return nil }
                index += 1
            }
        }
        guard hasGap ? groups <= 7 : groups == 8 else { return nil }
        return close + 1
    }

    private static func isGap(_ octets: Octets, _ index: Int, _ end: Int) -> Bool {
        index + 1 < end && octets[index] == .colon && octets[index + 1] == .colon
    }

    private static func run(of allowed: ByteClass, _ octets: Octets, _ start: Int, _ end: Int) -> Int {
        var index = start
        while index < end, allowed.contains(octets[index]) { index += 1 }
        return index
    }

    private static func isIPv4(_ octets: Octets, _ start: Int, _ end: Int) -> Bool {
        var index = start
        for group in 0..<4 {
            let digits = run(of: .digit, octets, index, end)
            guard digits > index, digits - index <= 3 else { return false }
            var number = 0
            for position in index..<digits { number = number * 10 + Int(octets[position] - 0x30) }
            guard number <= 255, digits - index == 1 || octets[index] != 0x30 else { return false }
            if group == 3 { return digits == end }
            guard digits < end, octets[digits] == 0x2e else { return false }
            index = digits + 1
        }
        return false
    }
}
