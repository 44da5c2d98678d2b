package import HTTP
package import Net
internal import Policy

/// The live graph under one epoch: routes, services, pools, limits. Immutable; built aside, published whole, retired by reference count.
package final class Snapshot: Sendable {
    package let epoch: Epoch
    /// In file order; the implied route of a service without one is last.
    package let routes: [Route]
    /// In file order.
    package let services: [Service]
    package let timeouts: Timeouts
    package let limits: Limits
    package let accessLog: AccessLogChoice
    /// In file order.
    package let listeners: [ListenerPolicy]
    package let http2: HTTP2Bounds
    private let table: RouteTable
    private let trusted: TrustedNetworks

    /// A snapshot without routes: every request gets 404.
    package convenience init(epoch: Epoch) { self.init(SnapshotParts(epoch: epoch)) }

    init(_ parts: consuming SnapshotParts) {
        epoch = parts.epoch
        routes = parts.routes
        services = parts.services
        timeouts = parts.timeouts
        limits = parts.limits
        accessLog = parts.accessLog
        listeners = parts.listeners
        http2 = parts.http2
        trusted = parts.trusted
        table = RouteTable(parts.conditions)
    }

    package func listener(named name: String) -> ListenerPolicy? { listeners.first { $0.name == name } }

    package func service(named name: String) -> Service? { services.first { $0.name == name } }

    /// Whether what this peer says of its own client is believed (`trusted_proxies`).
    package func isTrusted(_ address: SocketAddress) -> Bool { trusted.contains(address) }

    /// Whether connections of this peer begin with a PROXY header, on listeners that accept one: those of `trusted_proxies`, all where there are
    /// none. Who may connect to a Unix socket was decided by the mode of its file.
    package func believesProxyHeader(from peer: SocketAddress) -> Bool {
        if case .unix = peer { return true }
        return trusted.isEmpty || trusted.contains(peer)
    }

    /// The route that rules (order in `RouteTable`); nil = 404. Allocates nothing.
    /// - Parameters:
    ///   - bytes: the buffer that `head` and `fields` were parsed from.
    ///   - fields: the request's; only read for routes with header conditions, which one line of several may meet.
    package func route(_ bytes: UnsafeRawBufferPointer, head: RequestHead, fields: FieldTable) -> Route? {
        let index = table.match(
            host: Self.slice(bytes, head.host.start, head.host.end),
            path: Self.slice(bytes, head.path.start, head.path.end),
            method: Self.slice(bytes, head.methodRange.start, head.methodRange.end),
            hasHeader: { Self.hasHeader(bytes, fields, name: $0, value: $1) })
        guard let index else { return nil }
        return routes[index]
    }

    // MARK: - Private

    private static func hasHeader(
        _ bytes: UnsafeRawBufferPointer, _ fields: FieldTable, name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) -> Bool {
        for index in 0..<fields.count {
            let field = fields[index]
            guard Int(field.nameLength) == name.count, Int(field.valueEnd) - Int(field.valueStart) == value.count else { continue }
            let (nameEnd, overflow) = field.start.addingReportingOverflow(UInt32(field.nameLength))
            guard !overflow else { continue }
            let fieldName = slice(bytes, field.start, nameEnd)
            if isSame(fieldName, lowerCase: name) && slice(bytes, field.valueStart, field.valueEnd).elementsEqual(value) { return true }
        }
        return false
    }

    private static func isSame(_ name: UnsafeRawBufferPointer, lowerCase other: UnsafeRawBufferPointer) -> Bool {
        guard name.count == other.count else { return false }
        for index in 0..<name.count {
            let byte = name[index]
            guard (byte &- 0x41 < 26 ? byte | 0x20 : byte) == other[index] else { return false }
        }
        return true
    }

    /// Empty for a range that the buffer does not hold.
    private static func slice(_ bytes: UnsafeRawBufferPointer, _ start: UInt32, _ end: UInt32) -> UnsafeRawBufferPointer {
        guard start < end, Int(end) <= bytes.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(end)])
    }
}
