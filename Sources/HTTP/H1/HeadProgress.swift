/// Decides when an incomplete head is worth a whole parse again, so that a peer that dribbles bytes costs linear time: at first, when the
/// bytes have doubled, when they reached the limit, and when the new ones hold an end of the head or a bare LF.
struct HeadProgress {
    private var parsed = 0
    private var seen = 0

    /// - Parameter isFull: no more bytes are allowed.
    mutating func isWorthParsing(_ octets: Octets, isFull: Bool) -> Bool {
        if parsed == 0 || isFull || octets.count < seen || octets.count / 2 >= parsed { return true }
        var index = octets.firstIndex(of: .lf, from: seen, to: octets.count)
        while index < octets.count {
            if index < 2 || octets[index - 1] != .cr { return true }
            if index >= 3 && octets[index - 2] == .lf { return true }
            index = octets.firstIndex(of: .lf, from: index + 1, to: octets.count)
        }
        seen = octets.count
        return false
    }

    mutating func wasIncomplete(_ octets: Octets) {
        parsed = octets.count
        seen = octets.count
    }
}
