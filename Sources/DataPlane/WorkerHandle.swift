package import Net
package import Routing
package import Telemetry

/// A listening socket, opened once per address and shared by all loops. The descriptor belongs to the control plane, which closes it after
/// every loop has confirmed `stopAccepting`.
package final class ListeningSocket: Sendable {
    package let id: Int
    package let listener: String
    /// As in the file: "0.0.0.0:80".
    package let text: String
    package let address: SocketAddress
    package let descriptor: Int32
    package let connections = ConnectionCount()
    package init(id: Int, listener: String, text: String, address: SocketAddress, descriptor: Int32) {
        self.id = id
        self.listener = listener
        self.text = text
        self.address = address
        self.descriptor = descriptor
    }
}

/// What a loop tells when asked.
package struct WorkerReport: Sendable {
    package var worker = 0
    package var epoch: Epoch = 0
    package var downstreamConnections = 0
    package var tunnels = 0
    package var exchangesInFlight = 0
    package var idleUpstreamConnections = 0
    package var acceptedConnections: UInt64 = 0
    package var requests: UInt64 = 0
    /// Responses by class: index 1...5.
    package var responses: [UInt64] = Array(repeating: 0, count: 6)
    /// Indexed by `Target.ordinal`.
    package var targets: [TargetReport] = []
    package init() {}
}

package struct TargetReport: Sendable {
    package var requests: UInt64 = 0
    /// Exchanges that ended by the target's fault (connect refused, reset, garbage, too slow).
    package var failures: UInt64 = 0
    package var idleConnections = 0
    package init() {}
}

/// The Sendable face of one loop. All verbs return at once; answers come on the loop's thread through the closure.
package final class WorkerHandle: Sendable {
    package let index: Int

    package init(index: Int, workers: Int, snapshots: SnapshotCell, log: LogWriter) throws(IOError) {
        self.index = index
    }

    /// Starts the loop's thread.
    package func start() {}

    /// The loop takes the newest snapshot (closing idle connections to targets that have retired) and acknowledges its epoch between two turns.
    package func adoptNewest(_ acknowledge: @escaping @Sendable (_ worker: Int, _ epoch: Epoch) -> Void) {}

    package func accept(on socket: ListeningSocket) {}
    /// New connections are no longer taken from this socket; connections that came through it go on.
    package func stopAccepting(on id: Int, done: @escaping @Sendable (_ worker: Int) -> Void) {}

    /// From now on: `Connection: close` on the next response of each connection, idle ones are closed after a short grace.
    package func drainConnections() {}

    /// Ends what still holds a lease on a retired target: exchanges at `exchanges` after now, tunnels at `tunnels` after now.
    package func endLeases(on target: Target, exchanges: Duration, tunnels: Duration) {}

    package func report(_ reply: @escaping @Sendable (WorkerReport) -> Void) {}

    /// Flushes the log, closes every connection at once and ends the thread; `done` is the last thing it does.
    package func stop(done: @escaping @Sendable (_ worker: Int) -> Void) {}
}
