internal import Glibc
internal import Net
internal import Policy
internal import Routing

/// The process that handed over, while it drains. There, too, an exchange may still begin: a request on a connection that was idle, a retry, one
/// that a pause holds. So each publish waits for it as it waits for a loop, and a drain for what it still has in flight. Confined to the
/// control queue.
///
/// SAFETY: touched on the control queue alone.
final class FormerProcess: @unchecked Sendable {
    /// In the place of a loop's number, where it did not confirm.
    static let loop = -1
    private static let patience = Duration.seconds(5)

    /// nil = it has ended.
    private var channel: HandoverChannel?

    init(_ channel: HandoverChannel) { self.channel = channel }

    /// Has it choose by this release state. False when it did not say in time that it does.
    func follow(_ release: ReleaseState, epoch: Epoch) -> Bool {
        guard let channel else { return true }
        let deadline = ContinuousClock.now + Self.patience
        do throws(HandoverTrouble) {
            var message = HandoverMessage(.follow)
            message.epoch = epoch
            try channel.send(message, file: WireBase(release, after: 0), by: deadline)
            return try answer(.followed, channel, by: deadline) { $0.epoch == epoch } != nil
        } catch {
            return ended(error)
        }
    }

    /// Its exchanges on these targets; 0 once it has ended, and where it does not say.
    func inFlight(_ targets: [Target]) -> Int {
        guard let channel else { return 0 }
        let deadline = ContinuousClock.now + .milliseconds(500)
        do throws(HandoverTrouble) {
            var message = HandoverMessage(.holding)
            message.lines = targets.map(\.identity.wholeName)
            try channel.send(message, by: deadline)
            return try answer(.held, channel, by: deadline) { _ in true }?.count ?? 0
        } catch {
            _ = ended(error)
            return 0
        }
    }

    // MARK: - Private

    /// Answers to questions that were given up may come first.
    private func answer(
        _ kind: HandoverMessage.Kind, _ channel: HandoverChannel, by deadline: ContinuousClock.Instant,
        _ fits: (HandoverMessage) -> Bool
    ) throws(HandoverTrouble) -> HandoverMessage? {
        while true {
            let (message, descriptors) = try channel.receive(by: deadline)
            for descriptor in descriptors { close(descriptor) }
            if message.kind == .failed { return nil }
            if message.kind == kind && fits(message) { return message }
        }
    }

    private func ended(_ trouble: HandoverTrouble) -> Bool {
        guard trouble == .closed else { return false }
        channel = nil
        return true
    }
}

extension TargetIdentity {
    /// The same in both processes.
    var wholeName: String { "\(service)/\(pool)/\(text)" }
}
