internal import Glibc
internal import Net
internal import Policy
internal import Routing
internal import Synchronization

/// One conversation with a new process, from the old one's side (LIFECYCLE.md). Runs on a thread of its own and waits there; what it finds out is
/// acted upon on the control queue.
final class UpgradeAttempt: Sendable {
    struct Failure: Error, Sendable {
        /// True = it was given up because nothing came any more.
        var isHang: Bool
        var detail: String
        /// What the new process said.
        var lines: [String] = []
    }

    /// The new process as it introduced itself.
    struct Proof: Sendable {
        var pid: Int32
        var version: String
        var epoch: UInt64
    }

    private let relaunch: Relaunch
    private let binary: String?
    private let deadline: ContinuousClock.Instant
    private let limit: Duration
    private let state: Mutex<(successor: Successor?, cancelled: String?)>
    private let channel: HandoverChannel
    /// Until the new process has it.
    private let theirs: Mutex<HandoverChannel?>

    init(_ relaunch: Relaunch, binary: String?, within limit: Duration) throws(HandoverTrouble) {
        self.relaunch = relaunch
        self.binary = binary
        self.limit = limit
        deadline = .now + limit
        state = Mutex((nil, nil))
        let (own, other) = try HandoverChannel.pair()
        channel = own
        theirs = Mutex(other)
    }

    /// Starts the new process and hands over until it is the owner. After a failure the new process is gone.
    /// - Parameters:
    ///   - handed: the descriptors must stay open until this returns.
    ///   - stopAccepting: no loop accepts any more when it returns.
    ///   - handOver: makes the new process the owner; false = it is too late for that.
    func run(
        _ handed: HandoverState, _ descriptors: [Int32], stopAccepting: () -> Void, handOver: (Proof) -> Bool
    ) throws(Failure) -> Proof {
        do throws(Failure) {
            try launch()
            try step("take what it was handed") { () throws(HandoverTrouble) in try channel.send(handed, descriptors, by: deadline) }
            let ready = try expect(.ready, "say that it is ready")
            stopAccepting()
            try step("hear the release") { () throws(HandoverTrouble) in
                try channel.send(HandoverMessage(.release), by: ownership)
            }
            _ = try expect(.owned, "take over", by: ownership)
            let proof = Proof(pid: ready.pid ?? successorPID, version: ready.version ?? "", epoch: ready.epoch ?? 0)
            guard handOver(proof) else { throw explain(.closed, "take over") }
            return proof
        } catch {
            giveUp()
            throw error
        }
    }

    /// The old process takes no order any more.
    func confirm() { try? channel.send(HandoverMessage(.confirmed), by: .now + .seconds(2)) }

    /// After `confirm`: answers what the process that rules now asks, until it or this one has ended.
    func serve(
        follow: (ReleaseState, Epoch) -> Bool, inFlight: ([String]) -> Int
    ) {
        while let (message, files) = try? channel.receive(by: .now + .seconds(86_400)) {
            var reply: HandoverMessage
            switch message.kind {
            case .follow:
                let base: WireBase? = try? HandoverChannel.value(in: files)
                if let base, let epoch = message.epoch, follow(base.state, epoch) {
                    reply = HandoverMessage(.followed)
                } else {
                    reply = .failed(["this process could not adopt it"], exitCode: 1)
                }
                reply.epoch = message.epoch
            default:
                for file in files { close(file) }
                guard message.kind == .holding else { continue }
                reply = HandoverMessage(.held)
                reply.count = inFlight(message.lines ?? [])
            }
            guard (try? channel.send(reply, by: .now + .seconds(5))) != nil else { return }
        }
    }

    /// Ends the attempt; any thread. Comes too late once the new process owns.
    func cancel(because reason: String) {
        let successor = state.withLock { state -> Successor? in
            if state.cancelled == nil { state.cancelled = reason }
            return state.successor
        }
        successor?.kill()
    }

    // MARK: - Private

    /// Taking over is a moment's work, even when getting ready took nearly all the time there was.
    private var ownership: ContinuousClock.Instant { max(deadline, .now + .seconds(5)) }
    private var successorPID: Int32 { state.withLock { $0.successor?.pid ?? 0 } }

    private func launch() throws(Failure) {
        do throws(HandoverTrouble) {
            let theirs = self.theirs.withLock { $0.take() }
            guard let theirs else { throw .closed }
            let successor = try relaunch.start(binary, channel: theirs)
            let isCancelled = state.withLock { state -> Bool in
                state.successor = successor
                return state.cancelled != nil
            }
            if isCancelled { successor.kill() }
        } catch {
            throw Failure(isHang: false, detail: error.text)
        }
    }

    private func step(_ what: String, _ work: () throws(HandoverTrouble) -> Void) throws(Failure) {
        do throws(HandoverTrouble) { try work() } catch { throw explain(error, what) }
    }

    private func expect(
        _ kind: HandoverMessage.Kind, _ what: String, by deadline: ContinuousClock.Instant? = nil
    ) throws(Failure) -> HandoverMessage {
        let message: HandoverMessage
        do throws(HandoverTrouble) {
            let (came, descriptors) = try channel.receive(by: deadline ?? self.deadline)
            for descriptor in descriptors { close(descriptor) }
            message = came
        } catch {
            throw explain(error, what)
        }
        if message.kind == .failed {
            let lines = message.lines ?? []
            throw Failure(isHang: false, detail: "the new process refused: \(lines.joined(separator: "; "))", lines: lines)
        }
        guard message.kind == kind else {
            throw Failure(isHang: false, detail: "the new process said \(message.kind.rawValue) where it was to \(what)")
        }
        return message
    }

    private func explain(_ trouble: HandoverTrouble, _ what: String) -> Failure {
        if let reason = state.withLock({ $0.cancelled }) { return Failure(isHang: false, detail: reason) }
        switch trouble {
        case .timedOut: return Failure(isHang: true, detail: "the new process did not \(what) within \(limit)")
        case .closed:
            // Its end of the line closes an instant before it can be reaped.
            let successor = state.withLock { $0.successor }
            let end = successor?.end(within: .seconds(1)) ?? "closed the line"
            return Failure(isHang: false, detail: "the new process \(end) when it was to \(what)")
        case .malformed, .system: return Failure(isHang: false, detail: trouble.text)
        }
    }

    /// Nothing of the new process is left when it returns.
    private func giveUp() {
        guard let successor = state.withLock({ $0.successor }) else { return }
        // For one that is not our child (a wrapper's) and that our signal does not reach.
        try? channel.send(HandoverMessage(.abandoned), by: .now + .milliseconds(100))
        successor.kill()
        _ = successor.end(within: .seconds(5))
    }
}
