internal import Glibc
package import Net
package import Routing
package import TLS
package import Telemetry

/// The Sendable face of one loop. All verbs return at once; answers come on the loop's thread through the closure.
package final class WorkerHandle: Sendable {
    package let index: Int
    private let mailbox: Mailbox
    private let mark: TurnMark
    private let world: LoopBound<World>

    /// What the loop's thread alone touches.
    private final class World {
        let loop: EventLoop
        let worker: Worker
        init(loop: EventLoop, worker: Worker) {
            self.loop = loop
            self.worker = worker
        }
    }

    /// The loops of one process: made together, since they hand connections to each other.
    /// - Parameter notices: where operators hear of what befalls connections.
    /// - Throws: when the kernel has no epoll or eventfd left.
    package static func fleet(
        of workers: Int, snapshots: SnapshotCell, log: LogWriter, notices: Notices = Notices()
    ) throws(IOError) -> [WorkerHandle] {
        precondition(workers > 0)
        let board = LoadBoard(workers: workers)
        var handles: [WorkerHandle] = []
        for index in 0..<workers {
            handles.append(try WorkerHandle(index: index, snapshots: snapshots, log: log, board: board, notices: notices))
        }
        board.connect(handles.map { LoadBoard.Door(mailbox: $0.mailbox, worker: LoopBound($0.world.value.worker)) })
        return handles
    }

    private init(index: Int, snapshots: SnapshotCell, log: LogWriter, board: LoadBoard, notices: Notices) throws(IOError) {
        self.index = index
        let loop = try EventLoop()
        mailbox = loop.mailbox
        mark = loop.mark
        world = LoopBound(
            World(
                loop: loop,
                worker: Worker(
                    index: index, loop: loop, snapshots: snapshots, log: AccessLog(writer: log), board: board, notices: notices)))
    }

    /// Starts the loop's thread.
    /// - Throws: when the kernel has no thread left.
    package func start() throws(IOError) {
        let world = world
        try LoopThread.start(name: "loop-\(index)") {
            world.value.loop.run()
            world.value.loop.mailbox.close()
        }
    }

    /// The loop takes the newest snapshot (closing idle connections to targets that have retired) and acknowledges its epoch between two turns.
    package func adoptNewest(_ acknowledge: @escaping @Sendable (_ worker: Int, _ epoch: Epoch) -> Void) {
        post { worker in
            worker.adoptNewest()
            acknowledge(worker.index, worker.snapshot.epoch)
        }
    }

    /// The loop is between two turns: it compares the shared epoch before it chooses again, and what it chose before is counted. As good as its
    /// acknowledgement of what was published before this was asked, and it need not be awake for it.
    package var isBetweenTurns: Bool { mark.isBetweenTurns }

    package func accept(on socket: ListeningSocket) { post { $0.open(socket) } }

    /// New connections are no longer taken from this socket; connections that came through it go on.
    package func stopAccepting(on id: Int, done: @escaping @Sendable (_ worker: Int) -> Void) {
        post { worker in
            worker.close(listener: id)
            done(worker.index)
        }
    }

    /// From now on: `Connection: close` on the next response of each connection, idle ones are closed after a short grace.
    package func drainConnections() { post { $0.drainConnections() } }

    /// Keys of session tickets, from the next handshake on; the same for every loop.
    package func setTicketKeys(_ keys: TicketKeys) { post { $0.ticketKeys = keys } }

    /// For a shutdown that does not wait: whoever is held by a pause, or would be from now on, gets 503.
    package func endHolds() { post { $0.endHolds() } }

    /// Ends what still holds a lease on a retired or drained target: exchanges at `exchanges` after now, tunnels over the last tenth of `tunnels`
    /// after now, so that they do not all come back in one instant. What moves on to another target is rid of it.
    package func endLeases(on target: Target, exchanges: Duration, tunnels: Duration) {
        post { $0.endLeases(on: target, exchanges: TimeSpan(exchanges), tunnels: TimeSpan(tunnels)) }
    }

    /// Ends the tunnels that hold a lease on this target at `limit` after now, spread a little. Other exchanges go on.
    package func endTunnels(on target: Target, within limit: Duration) {
        post { $0.endLeases(on: target, exchanges: nil, tunnels: TimeSpan(limit)) }
    }

    /// Takes `endLeases` back: the target is to be used again.
    package func keepLeases(on target: Target) { post { $0.keepLeases(on: target) } }

    /// The exchanges of this loop that hold a lease on one of `targets`, the oldest first, at most `limit`.
    package func holders(of targets: [Target], limit: Int, _ reply: @escaping @Sendable ([Holder]) -> Void) {
        post { reply($0.holders(of: targets, limit: limit)) }
    }

    package func report(_ reply: @escaping @Sendable (WorkerReport) -> Void) { post { reply($0.report()) } }

    /// Flushes the log, closes every connection at once and ends the thread; `done` is the last thing it does.
    package func stop(done: @escaping @Sendable (_ worker: Int) -> Void) {
        post { worker in
            worker.shutDown()
            done(worker.index)
        }
    }

    /// For tests of what control does about a loop that hangs: blocks the loop's thread. `began` is called when it is blocked.
    package func stall(for span: Duration, began: @escaping @Sendable () -> Void) {
        post { _ in
            began()
            let until = ContinuousClock.now + span
            while case let left = until - .now, left > .zero { usleep(min(10_000, UInt32(clamping: Int64(left / .microseconds(1))))) }
        }
    }

    private func post(_ job: @escaping @Sendable (Worker) -> Void) {
        let world = world
        mailbox.post { job(world.value.worker) }
    }
}
