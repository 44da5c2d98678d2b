internal import DataPlane
internal import Routing

extension Proxy {
    /// No loop takes new connections any more; sockets and their queues stay as they are.
    func rest(within limit: Duration = .seconds(2)) {
        let sockets = listeners.open
        let loops = workers.count
        let rested = Answers<Void>(count: loops * sockets.count)
        for (place, socket) in sockets.enumerated() {
            for (position, worker) in workers.enumerated() {
                worker.stopAccepting(on: socket.id) { _ in rested.put((), at: place * loops + position) }
            }
        }
        // One that is stuck accepts nothing either; whatever it takes when it comes back, it serves.
        if rested.wait(for: limit).contains(where: { $0 == nil }) { log.warn("a loop did not stop accepting in time") }
    }

    /// Registers every socket anew: the kernel looks into the queue then, where a connection may sleep whose waiter is gone (LIFECYCLE.md).
    func acceptAnew() {
        for socket in listeners.open {
            for worker in workers {
                worker.stopAccepting(on: socket.id) { _ in }
                worker.accept(on: socket)
            }
        }
    }

    /// Goes on where the former process stood.
    func resume(_ state: HandoverState) {
        for service in snapshot.services {
            if let position = state.splits[service.name] { service.splitPosition.goOn(from: position) }
            for pool in service.pools {
                let turns = state.turns.first { $0.service == service.name && $0.pool == pool.name }
                if let turns { pool.cursor.goOn(from: turns.place) }
            }
        }
    }
}
