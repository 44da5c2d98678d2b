internal import Dispatch
internal import Routing
internal import TLS

/// Looks after key files and ticket keys while the proxy runs. Confined to the control queue; the files are read beside it, so that a file
/// system that hangs holds no command.
///
/// Files are asked for their stamps once a second, all of them. inotify would have to follow every link and folder on the way (certbot swaps
/// links, Kubernetes the folder behind `..data`, a bind mount hides its source) and hears nothing of what another machine writes over NFS; a
/// `stat` of each file costs microseconds and is right everywhere.
///
/// SAFETY: touched on the control queue alone.
final class KeyWatch: @unchecked Sendable {
    static let period = DispatchTimeInterval.seconds(1)

    private let proxy: Proxy
    private let queue: DispatchQueue
    private let events: EventLog
    /// Whether something may be published now.
    private let mayChange: () -> Bool
    private var isLooking = false
    private var isTicking = false
    private let staples: StapleDesk
    private(set) var verdicts = KeyVerdicts()
    /// Stores and contexts exchanged because files changed.
    private(set) var swaps: UInt64 = 0
    private(set) var refusals: UInt64 = 0

    init(proxy: Proxy, queue: DispatchQueue, events: EventLog, mayChange: @escaping () -> Bool) {
        self.proxy = proxy
        self.queue = queue
        self.events = events
        self.mayChange = mayChange
        staples = StapleDesk(queue: queue, log: proxy.log)
    }

    /// Looks from now on, as long as there are files to look at: a proxy without TLS is not woken for it. To be called again when there may be
    /// some.
    func begin() {
        guard !isTicking, !proxy.keys.isEmpty else { return }
        isTicking = true
        queue.asyncAfter(deadline: .now() + Self.period) { [weak self] in
            guard let self else { return }
            isTicking = false
            look()
            begin()
        }
    }

    /// One look; what comes of it comes by the queue.
    func look() {
        dispatchPrecondition(condition: .onQueue(queue))
        guard mayChange() else { return }
        let now = WallClock.now().milliseconds / 1000
        proxy.turnTicketKeys(now: now)
        staples.look(proxy.configuration, proxy.keys, now: now)
        guard !isLooking, !proxy.keys.isEmpty else { return }
        isLooking = true
        let (configuration, version) = (proxy.configuration, proxy.keysVersion)
        var keys = proxy.keys
        keys.stapled = staples.stapled
        DispatchQueue.global(qos: .utility).async { [queue, keys] in
            let reading = KeyReading(configuration, after: keys, .watching)
            queue.async { self.adopt(reading, of: version) }
        }
    }

    /// Why a certificate has no OCSP response, or no new one.
    func stapleError(of digest: String) -> String? { staples.error(of: digest)?.description }

    // MARK: - Private

    private func adopt(_ reading: KeyReading, of version: Int) {
        isLooking = false
        // A reload has read everything in the meantime, or the process is about to go.
        guard version == proxy.keysVersion, mayChange() else { return }
        swap(reading.shelf)
        for verdict in verdicts.judge(reading, at: WallClock.now()) { tell(verdict) }
    }

    private func swap(_ keys: KeyShelf) {
        guard !keys.means(proxy.keys) else { return proxy.shelve(keys) }
        let former = proxy.keys
        // What is live was built of the same configuration with other keys: it cannot fail for another reason than it did then.
        guard let built = try? proxy.build(proxy.release, resolved: proxy.resolved, keys: keys) else { return }
        let publication = proxy.publish(
            built, of: proxy.configuration, resolved: proxy.resolved, keys: keys, listeners: proxy.listeners.unchanged())
        for change in CertificateEvent.changes(from: former, to: keys, epoch: proxy.epoch) {
            swaps += 1
            proxy.log.info(
                "certificates changed; new connections get the new ones",
                [
                    "owner": change.owner, "names": (change.names ?? []).joined(separator: ","), "not_after": change.notAfter ?? "-",
                    "epoch": "\(proxy.epoch)", "silent_loops": "\(publication.silent.count)",
                ])
            events.post(.certificate, data: change)
        }
    }

    private func tell(_ verdict: KeyVerdicts.Verdict) {
        switch verdict {
        case .refused(let owner, let reasons):
            refusals += 1
            for reason in reasons { proxy.log.error("changed certificate files refused; the former ones stay", ["reason": reason]) }
            events.post(.certificate, data: CertificateEvent(refused: owner, reasons, epoch: proxy.epoch))
        case .good(let owner): proxy.log.info("certificate files are good again", ["owner": owner])
        }
    }
}
