internal import Routing

/// A loop's exchanges that wait for a place of their service (`limits.max_requests`), first come first served. The length, and the places, are
/// counted for all loops on `ServiceState`; who frees a place serves its own loop's queue first, else tells the others.
struct ServiceQueues {
    private var waiting: [Exchange] = []

    mutating func append(_ exchange: Exchange, of service: Service) { waiting.append(exchange) }

    mutating func remove(_ exchange: Exchange) { waiting.removeAll { $0 === exchange } }

    /// Takes out those that `isWanted` says, in their order.
    mutating func take(where isWanted: (Exchange) -> Bool) -> [Exchange] {
        let taken = waiting.filter(isWanted)
        if !taken.isEmpty { waiting.removeAll(where: isWanted) }
        return taken
    }

    /// The exchange that has waited longest for this service.
    func first(of service: ServiceState) -> Exchange? { waiting.first { $0.service?.state === service } }

    var isEmpty: Bool { waiting.isEmpty }
}

extension Worker {
    /// A place of `service` is free and somebody waits for one. The hand-over comes between two turns: this may be called from the middle of
    /// another exchange's end.
    func placeFreed(of service: Service) {
        let (state, limit) = (service.state, service.limits.maxRequests)
        if queues.first(of: state) != nil {
            board.post(to: index) { $0.servePlace(state, limit: limit) }
        } else {
            for other in 0..<board.workers where other != index { board.post(to: other) { $0.servePlace(state, limit: limit) } }
        }
    }

    func servePlace(_ service: ServiceState, limit: Int) {
        while let exchange = queues.first(of: service), service.admit(limit: limit) {
            queues.remove(exchange)
            exchange.leaveQueue()
        }
    }
}
