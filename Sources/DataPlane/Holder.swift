internal import HTTP
internal import Net
internal import Routing

/// An exchange that keeps a target from being drained: whom to ask, or what to wait for.
package struct Holder: Sendable, Equatable {
    /// Index of its loop.
    package var worker: Int
    /// The peer's address with its port; `unix:` for a Unix socket.
    package var client: String
    /// As in the access log.
    package var requestID: String
    /// Place of the route in the file.
    package var route: String
    package var service: String
    package var pool: String
    package var target: String
    /// Since the end of its request head.
    package var age: Duration
    package var bytesIn: UInt64
    package var bytesOut: UInt64
    package var isTunnel: Bool
}

extension Worker {
    /// The oldest first, at most `limit`.
    func holders(of targets: [Target], limit: Int) -> [Holder] {
        let wanted = Set(targets.map(ObjectIdentifier.init))
        let holding = exchanges.filter { $0.isHolding(one: wanted) }
        return holding.sorted { $0.times.begin < $1.times.begin }.prefix(max(0, limit)).map { $0.holder() }
    }
}

extension Exchange {
    fileprivate func isHolding(one targets: Set<ObjectIdentifier>) -> Bool {
        guard isInUse, hasLease, let target else { return false }
        return targets.contains(ObjectIdentifier(target))
    }

    private var hasLease: Bool {
        switch lease {
        case .none: false
        case .some: true
        }
    }

    fileprivate func holder() -> Holder {
        Holder(
            worker: worker.index, client: "\(clientAddress)", requestID: requestIDText, route: route?.name ?? "",
            service: service?.name ?? "",
            pool: pool?.name ?? "", target: target?.identity.text ?? "", age: .nanoseconds((worker.loop.now - times.begin).nanoseconds),
            bytesIn: times.bytesIn, bytesOut: times.bytesOut, isTunnel: isTunnel)
    }

    private var requestIDText: String {
        let given = slice(logFields.requestID, of: headBytes)
        if !given.isEmpty { return String(decoding: given, as: UTF8.self) }
        return withUnsafeTemporaryAllocation(byteCount: RequestIdentifier.length, alignment: 1) { room in
            identifier.write(to: room)
            return String(decoding: UnsafeRawBufferPointer(room), as: UTF8.self)
        }
    }
}
