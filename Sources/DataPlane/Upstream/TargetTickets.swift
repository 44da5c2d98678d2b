internal import Routing
internal import TLS

/// Sessions that targets let us take up again (RFC 8446 §2.2), by `Target.ordinal`; the newest of each. Confined to its loop.
struct TargetTickets {
    private var rows: [(serial: UInt64, ticket: TLSSessionTicket)?] = []

    mutating func put(_ ticket: TLSSessionTicket, for target: Target) {
        while rows.count <= target.ordinal { rows.append(nil) }
        rows[target.ordinal] = (target.serial, ticket)
    }

    /// A ticket of TLS 1.3 is gone with it (RFC 8446 §C.4).
    mutating func take(_ target: Target) -> TLSSessionTicket? {
        guard target.ordinal < rows.count, let row = rows[target.ordinal], row.serial == target.serial else { return nil }
        if row.ticket.isForOneUse { rows[target.ordinal] = nil }
        return row.ticket
    }
}
