package import DataPlane
package import Routing
package import TLS

/// What the control plane asks of a loop; `WorkerHandle` in production. Verbs return at once, answers come on the loop's thread.
package protocol WorkerFace: Sendable {
    var index: Int { get }
    func adoptNewest(_ acknowledge: @escaping @Sendable (_ worker: Int, _ epoch: Epoch) -> Void)
    var isBetweenTurns: Bool { get }
    func accept(on socket: ListeningSocket)
    func stopAccepting(on id: Int, done: @escaping @Sendable (_ worker: Int) -> Void)
    func drainConnections()
    func endHolds()
    func endLeases(on target: Target, exchanges: Duration, tunnels: Duration)
    func endTunnels(on target: Target, within limit: Duration)
    func keepLeases(on target: Target)
    func holders(of targets: [Target], limit: Int, _ reply: @escaping @Sendable ([Holder]) -> Void)
    /// Keys of session tickets, from the next handshake on.
    func setTicketKeys(_ keys: TicketKeys)
    func stall(for span: Duration, began: @escaping @Sendable () -> Void)
    func report(_ reply: @escaping @Sendable (WorkerReport) -> Void)
    func stop(done: @escaping @Sendable (_ worker: Int) -> Void)
}

extension WorkerHandle: WorkerFace {}
