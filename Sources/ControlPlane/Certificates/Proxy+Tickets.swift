internal import TLS

/// Keys of session tickets: one value for all loops and listeners. A ticket is good for two hours (`ContextRules`); the key that sealed it goes on
/// opening for one period after the next took its place, and is then forgotten: what was recorded cannot be read any more.
extension Proxy {
    /// Seconds.
    static let ticketPeriod: Int64 = 12 * 3600

    /// From the next handshake on, on every loop.
    func adopt(_ keys: TicketKeys) {
        ticketKeys = keys
        for worker in workers { worker.setTicketKeys(keys) }
    }

    /// - Parameter now: seconds since 1970; a key that was made in the future, by a clock that was wrong, is replaced, too.
    func turnTicketKeys(now: Int64) {
        let (age, overflow) = now.subtractingReportingOverflow(ticketKeys.newest)
        guard overflow || age >= Self.ticketPeriod || age < -Self.ticketPeriod else { return }
        adopt(ticketKeys.rotated(now: now, keeping: 1))
        log.info("a new key seals session tickets")
    }
}
